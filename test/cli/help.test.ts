import { describe, expect, test } from 'vitest'
import { createWorkplace } from '../support/cli.js'

const RUN_OPTIONS = [
  '--output',
  '--queue',
  '--model',
  '--concurrency',
  '--max-attempts',
  '--timeout',
  '--backoff-base',
  '--backoff-cap',
  '--priority',
  '--strict',
  '--exit-on-pause',
  '--rpm',
  '--fresh',
  '--config',
  '--data-dir',
  '--json',
]
const RUN_DEFAULTS = {
  '--queue': '"default"',
  '--concurrency': '1000',
  '--max-attempts': '8',
  '--timeout': '300',
  '--backoff-base': '1',
  '--backoff-cap': '60',
}
const SETTINGS = [
  'CONDUIT_API_KEY',
  'CONDUIT_API_KEY_FILE',
  'CONDUIT_BASE_URL',
  'CONDUIT_BILLING_URL',
  'REDIS_URL',
  'CONDUIT_BATCH_CONFIG',
  'CONDUIT_BATCH_DATA_DIR',
  'CONDUIT_BATCH_TOKEN',
  'CONDUIT_BATCH_RPM',
  'CONDUIT_BATCH_BALANCE_POLL_SECONDS',
  'CONDUIT_BATCH_ALERT_WEBHOOK',
]
const COMMANDS = [
  'run',
  'submit',
  'work',
  'status',
  'list',
  'results',
  'cancel',
  'retry-failed',
  'purge',
  'doctor',
  'simulate',
]

async function help(...args: string[]): Promise<string> {
  const end = await (await createWorkplace({ REDIS_URL: undefined })).run(args)
  expect(end).toMatchObject({ code: 0, stderr: '' })
  return end.stdout
}

/** Every default that the help of an option shows. */
function defaultsOf(option: string, help: string): string[] {
  const entry = help.slice(help.indexOf(`${option} <`)).split(/\n\s+-/)[0] ?? ''
  return [...entry.matchAll(/\(default: ([^)]*)\)/g)].map(([, value]) => value ?? '')
}

describe('--help', () => {
  test('names every command, every setting and the exit codes', async () => {
    const text = await help('--help')
    for (const command of COMMANDS) expect(text).toMatch(new RegExp(`^  ${command} `, 'm'))
    for (const setting of SETTINGS) expect(text).toContain(setting)
    expect(text).toMatch(/EXIT STATUS\n {2}0 .*\n {2}1 .*\n {2}2 .*\n {2}3 .*\n {2}130 /)
  })

  test('of run names every option with its default, and the three forms of a line', async () => {
    const text = await help('run', '--help')
    for (const option of RUN_OPTIONS) expect(text).toContain(option)
    for (const [option, value] of Object.entries(RUN_DEFAULTS)) {
      expect(defaultsOf(option, text), option).toEqual([value])
    }
    expect(text).toContain('"custom_id"')
    expect(text).toContain('{"prompt": "…"}')
    expect(text).toMatch(/- for\s+stdin/)
  })

  // What each command's says is test/unit/manuals.test.ts's.
  test('of a command is what `help COMMAND` says', async () => {
    expect(await help('help', 'results')).toBe(await help('results', '--help'))
  })
})

test('no command at all is a usage error that shows the help', async () => {
  const end = await (await createWorkplace({ REDIS_URL: undefined })).run([])
  expect(end).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^NAME\n {2}conduit-batch /),
  })
})

test('--version prints a version', async () => {
  expect(await help('--version')).toMatch(/^\d+\.\d+\.\d+\n$/)
})
