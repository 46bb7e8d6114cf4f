import { expect, test } from 'vitest'
import { createWorkplace, settingsFor, simulate } from '../support/cli.js'

test('serve works on what is submitted, shows it, and ends in order on SIGTERM', async () => {
  const simulator = await simulate()
  const token = 'a-token-of-16-characters'
  const place = await createWorkplace({ ...settingsFor(simulator), CONDUIT_BATCH_TOKEN: token })
  const serve = place.start(['serve', '--host', '0.0.0.0', '--port', '0'])
  await serve.until('the URL is on stdout', () => serve.stdout.endsWith('\n'))
  const url = serve.stdout.trim().replace('0.0.0.0', '127.0.0.1')
  expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ status: 'ok' })

  const board = `${url}/queues/api/queues`
  expect((await fetch(board)).status).toBe(401)
  const shown = await (await fetch(board, { headers: { authorization: `Bearer ${token}` } })).text()
  expect(shown).toContain('default / completions')

  await place.write('prompts.jsonl', '{"prompt": "one"}\n{"prompt": "two"}\n')
  expect(await place.run(['submit', 'prompts.jsonl', '--model', 'gpt-4o-mini'])).toExitWith(0)
  await serve.until('both are answered', () => simulator.stats().completed === 2)

  serve.signal('SIGTERM')
  expect(await serve.ended).toExitWith(0)
  expect((await serve.ended).stdout).toMatch(/^http:\S+\n$/)
  await expect(fetch(`${url}/healthz`)).rejects.toThrow()
})

test('serve asks for a token before it listens beyond this machine', async () => {
  const place = await createWorkplace({ CONDUIT_API_KEY: 'sk-simulator' })
  const end = await place.run(['serve', '--host', '0.0.0.0', '--port', '0'])
  expect(end).toExitWith(1)
  expect(end.stderr).toContain('CONDUIT_BATCH_TOKEN')
  expect(end.stdout).toBe('')
})
