import { expect, test } from 'vitest'
import { expectAnswers, ids, requests } from '../support/batch-files.js'
import { createWorkplace } from '../support/cli.js'

test('`simulate` prints the settings for another terminal, serves a run there, and ends at Ctrl-C', async () => {
  const place = await createWorkplace()
  await place.write('in.jsonl', requests(5))
  const conduit = place.start(['simulate', '--port', '0', '--key', 'sk-of-a-test', '--fault', 'RESET=0.2'])
  await conduit.until('it says its address', () => conduit.stdout.includes('CONDUIT_API_KEY='))
  const exported = conduit.stdout.matchAll(/^export (\w+)=(.*)$/gm)
  const env = Object.fromEntries([...exported].map(([, name, value]) => [name, value]))
  expect(env).toMatchObject({ CONDUIT_API_KEY: 'sk-of-a-test' })

  expect(await place.run(['doctor'], { env })).toExitWith(0)
  expect(await place.run(['run', 'in.jsonl', '--backoff-base', '0.05'], { env })).toExitWith(0)
  await expectAnswers(place.path('in.results.jsonl'), ids(5))
  const address = /^# Statistics: (\S+)$/m.exec(conduit.stdout)?.[1] ?? ''
  expect(await (await fetch(address)).json()).toMatchObject({ completed: 5 })

  conduit.signal('SIGINT')
  expect(await conduit.ended).toMatchObject({ code: 0, stderr: '' })
})

test('`simulate` refuses a port that is taken, and a fault that it does not know', async () => {
  const place = await createWorkplace()
  const first = place.start(['simulate', '--port', '0', '--json'])
  await first.until('it says its address', () => first.stdout.includes('\n'))
  const { baseUrl } = JSON.parse(first.stdout) as { baseUrl: string }
  const taken = await place.run(['simulate', '--port', new URL(baseUrl).port])
  expect(taken).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/EADDRINUSE.*--port/) })
  const fault = await place.run(['simulate', '--fault', 'TYPO=0.5'])
  expect(fault).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/'TYPO' is no fault/) })
})
