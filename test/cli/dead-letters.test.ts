import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { expectAnswers, ids, jsonLines, MODEL, request, requests, summaryOf } from '../support/batch-files.js'
import { testBatch, testSession } from '../support/batches.js'
import { type CliEnd, createWorkplace, settingsFor, simulate } from '../support/cli.js'
import { EXHAUSTED, letDie, NO_MODEL, TOO_LONG } from '../support/dead-batch.js'
import { raisePace } from '../support/pace.js'
import { uniquePrefix } from '../support/redis.js'
import { redisThroughTest } from '../support/redis-proxy.js'

/** Ten portions of a retry: enough to be killed and interrupted in. bench:dead-letters takes 100,000. */
const COUNT = 2000
const EDITED = 'gpt-4o'

test('2,000 dead letters of three kinds: listed, filtered, and retried as others through a kill -9; the batch is whole', async () => {
  const prefix = uniquePrefix()
  const simulator = await simulate()
  const session = await testSession(prefix)
  const { redis, keys, store } = session
  const batch = await testBatch(requests(COUNT), {}, session)
  const { id, manifest, directory } = batch
  await letDie(batch, (index) => (index % 10 < 5 ? TOO_LONG : index % 10 < 8 ? NO_MODEL : EXHAUSTED))

  const place = await createWorkplace({
    CONDUIT_BATCH_KEY_PREFIX: prefix,
    CONDUIT_BATCH_DATA_DIR: directory.path,
    ...settingsFor(simulator),
  })
  const letters = (...args: string[]): Promise<CliEnd> => place.run(['dead-letters', ...args])
  const json = async (...args: string[]) => JSON.parse((await letters(...args, '--json')).stdout)

  const listed = await letters('list')
  expect(listed).toExitWith(0)
  expect(listed.stdout).toMatch(/^2,000 dead letters\n/)
  expect(listed.stdout).toMatch(
    /1,000 {2}VALIDATION_ERROR\n +max_tokens must be at most …\n +fields max_tokens;/,
  )
  expect(listed.stdout).toContain(`conduit-batch dead-letters show ${id}-0-0`)
  expect(await json('list', '--code', 'CHAT_MODEL_NOT_FOUND', '--batch', id.slice(0, 8))).toMatchObject({
    total: 600,
    groups: [{ code: 'CHAT_MODEL_NOT_FOUND', count: 600, example: `${id}-5-0` }],
  })
  const dryRun = await json('retry', '--code', 'retries_exhausted', '--dry-run')
  expect(dryRun).toMatchObject({ chosen: 400, groups: [{ code: 'retries_exhausted', count: 400 }] })

  const retry = ['dead-letters', 'retry', '--batch', id, '--set', `body.model=${EDITED}`]
  const retried = async () => (await store.marks(id))?.superseded ?? 0
  const within = { env: { REDIS_URL: await redisThroughTest() } }
  const victim = place.start(retry, within)
  await victim.until('some are retried', async () => (await retried()) > 0)
  await victim.kill()
  const before = await retried()
  const interrupted = place.start(retry, within)
  await interrupted.until('it goes on', async () => (await retried()) > before)
  interrupted.signal('SIGINT')
  const left = COUNT - before
  expect(await interrupted.ended).toMatchObject({
    code: 130,
    stdout: expect.stringMatching(new RegExp(`^Stopped: .* of ${left.toLocaleString('en-US')} dead letters`)),
  })
  expect(await retried()).toBeLessThan(COUNT)

  const repeated = await place.run(retry)
  expect(repeated).toExitWith(0)
  expect(repeated.stdout).toContain(`conduit-batch status ${id} --watch`)
  expect(await retried()).toBe(COUNT)
  await batch.lease.release()
  await raisePace({ redis, keys })
  const worked = place.start(['work', '--until-idle', '--concurrency', '100'])
  expect(await worked.ended).toExitWith(0)
  expect(await store.marks(id)).toMatchObject({ state: 'completed', completed: COUNT, failed: 0 })

  const answers = await expectAnswers(manifest.output, ids(COUNT))
  expect(answers.filter(({ response }) => response?.body.model !== EDITED)).toEqual([])
  await expect(expectAnswers(manifest.errors, [])).rejects.toThrow('ENOENT')
  expect(simulator.stats()).toMatchObject({ calls: COUNT, promptsSeen: COUNT, repeatedCompletions: 0 })
  expect(await json('list')).toEqual({ total: 0, groups: [], more: 0 })
  expect((await place.run(retry)).stdout).toContain('there was nothing to retry')
})

test('what failed is shown, exported, mended and imported; what cannot be sent is refused with what to do', async () => {
  const simulator = await simulate()
  const place = await createWorkplace(settingsFor(simulator))
  const lines = [
    request('good'),
    request('bad', '[[VALIDATION_ERROR x1]]'),
    request('gone', '[[CHAT_MODEL_NOT_FOUND x1]]'),
    { custom_id: 'empty', model: MODEL },
  ]
  await place.write('in.jsonl', jsonLines(lines))
  const ran = await place.run(['run', 'in.jsonl', '--json'])
  expect(ran).toExitWith(2)
  const { batch, output, errors } = summaryOf(ran)

  const shown = await place.run(['dead-letters', 'show', `${batch}-1-0`])
  expect(shown).toExitWith(0)
  expect(shown.stdout).toMatch(/line 2 of in\.jsonl, custom_id bad/)
  expect(shown.stdout).toMatch(/"content": "say bad \[\[VALIDATION_ERROR x1\]\]"/)
  expect(shown.stdout).toMatch(/Request id +req_\w+ \(what to quote to Conduit's support\)/)
  expect(shown.stdout).toMatch(/"fields": \{\n +"messages": /)
  expect(shown.stdout).toContain(`conduit-batch dead-letters retry ${batch}-1-0 --set body.FIELD=VALUE`)

  const refused = await place.run(['dead-letters', 'retry', `${batch}-3-0`, `${batch}-9-0`])
  expect(refused).toExitWith(2)
  expect(refused.stdout).toMatch(
    /There is no dead letter \w+-9-0 .*\nNothing was retried\.\n1 dead letter can't be sent/,
  )
  expect(refused.stdout).toMatch(
    /correct the lines in the input and run it again .*, or: conduit-batch dead-letters export/,
  )

  expect(await place.run(['dead-letters', 'export', '--output', 'mend.jsonl'])).toExitWith(0)
  const exported = (await readFile(place.path('mend.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const [bad, gone, empty] = ['bad', 'gone', 'empty'].map((id) =>
    exported.find(({ custom_id }) => custom_id === id),
  )
  expect(bad).toMatchObject({ batch, line: 2, code: 'VALIDATION_ERROR', body: { model: MODEL }, fields: {} })
  expect(empty).toMatchObject({ body: null, body_missing: expect.stringContaining('There are no messages') })
  const mended = [
    { id: bad.id, body: { ...bad.body, temperature: 0 } },
    { ...gone, body: { ...gone.body, stream: true } },
    { id: empty.id, body: { model: MODEL, messages: [{ role: 'user', content: 'say empty' }] } },
    { id: bad.id, body: bad.body },
  ]
  await place.write('mend.jsonl', `${jsonLines(mended)}half a li`)
  const imported = await place.run(['dead-letters', 'import', 'mend.jsonl'])
  expect(imported).toExitWith(2)
  expect(imported.stdout).toMatch(/^2 dead letters retried with the bodies of the file; 3 lines refused/)
  expect(imported.stderr.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^mend\.jsonl, line 2: stream: true is not supported/),
    expect.stringMatching(/^mend\.jsonl, line 4: line 1 has the same id/),
    expect.stringMatching(/^mend\.jsonl, line 5: it is not one complete JSON object/),
  ])
  const again = await place.run(['dead-letters', 'import', 'mend.jsonl', '--json'])
  expect(JSON.parse(again.stdout)).toMatchObject({ retried: 0, refused: 5 })

  expect(await place.run(['retry-failed', batch, '--set', 'body.model=gpt-4o'])).toExitWith(0)
  expect(await place.run(['work', '--until-idle'])).toExitWith(0)
  await expectAnswers(output, ['good', 'bad', 'gone', 'empty'])
  await expect(readFile(String(errors))).rejects.toThrow('ENOENT')
  expect(simulator.stats()).toMatchObject({ calls: 6, repeatedCompletions: 0 })
})
