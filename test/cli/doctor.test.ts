import { expect, test } from 'vitest'
import { createWorkplace, type Settings, settingsFor, simulate } from '../support/cli.js'

interface Report {
  readonly ready: boolean
  readonly findings: readonly { readonly check: string; readonly level: string; readonly text: string }[]
}

async function doctor(settings: Settings): Promise<{ code: number | null; report: Report; stderr: string }> {
  const place = await createWorkplace(settings)
  const { code, stdout, stderr } = await place.run(['doctor', '--json'])
  return { code, stderr, report: JSON.parse(stdout) as Report }
}

function levels({ findings }: Report): Record<string, string> {
  return Object.fromEntries(findings.map(({ check, level }) => [check, level]))
}

test('all is well: Redis with version, policy and AOF, the key, the balance and the disk, for nothing', async () => {
  const simulator = await simulate({ balanceCents: 1234 })
  const { code, report, stderr } = await doctor(settingsFor(simulator))
  expect({ code, ready: report.ready, stderr }).toEqual({ code: 0, ready: true, stderr: '' })
  const textOf = (check: string) => report.findings.find((finding) => finding.check === check)?.text
  expect(textOf('redis')).toMatch(/\d+\.\d+\.\d+ at redis:.*noeviction.*AOF (on|off)/)
  expect(textOf('key')).toContain(simulator.baseUrl)
  expect(textOf('key')).not.toContain('sk-simulator')
  expect(textOf('balance')).toBe('$12.34')
  expect(textOf('disk')).toMatch(/free/)
  expect(simulator.stats()).toMatchObject({ calls: 0, chargedCents: 0 })
})

test('a wrong key is found, with what Conduit says, and the exit code is 1', async () => {
  const { code, report } = await doctor({ ...settingsFor(await simulate()), CONDUIT_API_KEY: 'sk-mistyped' })
  expect({ code, ready: report.ready }).toEqual({ code: 1, ready: false })
  expect(levels(report)).toMatchObject({ redis: 'ok', key: 'bad', disk: 'ok' })
  const said = JSON.stringify(report)
  expect(said).toMatch(/Invalid API key \(API_KEY_INVALID, request req_/)
  expect(said).not.toContain('sk-mistyped')
})

test('everything that is missing is told at once: no key, no Redis', async () => {
  const { code, report } = await doctor({ REDIS_URL: 'redis://127.0.0.1:1' })
  expect(code).toBe(1)
  expect(levels(report)).toEqual({ disk: 'ok', redis: 'bad', key: 'bad' })
  expect(JSON.stringify(report)).toMatch(/nothing listens there.*export CONDUIT_API_KEY=/)
})

test('an empty account is a warning, not in the way', async () => {
  const place = await createWorkplace(settingsFor(await simulate({ balanceCents: 0 })))
  const { code, stdout } = await place.run(['doctor'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^warn +balance +\$0\.00: top up.*^Ready\.$/ms)
})

test('a Conduit that is not there is told by its address', async () => {
  const away = { baseUrl: 'http://127.0.0.1:1/v1', billingUrl: 'http://127.0.0.1:1/api/billing' }
  const { code, report } = await doctor(settingsFor(away))
  expect(code).toBe(1)
  expect(levels(report)).toMatchObject({ redis: 'ok', key: 'bad', balance: 'warn' })
  expect(JSON.stringify(report)).toContain('http://127.0.0.1:1/v1')
})
