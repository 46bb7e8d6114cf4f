import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openDataDirectory } from '../../src/batches/data-directory.js'
import { submit } from '../../src/batches/submit.js'
import { expectAnswers, ids, requests } from '../support/batch-files.js'
import { QUICK_OPTIONS } from '../support/batches.js'
import { completion, scriptConduit } from '../support/conduit.js'
import { eventually } from '../support/eventually.js'
import { handIn } from '../support/hand-in.js'
import { uniquePrefix } from '../support/redis.js'
import { startTestRoles } from '../support/roles.js'
import { smallDisk } from '../support/small-disk.js'

const TOTAL = 60
const MEGABYTE = 1 << 20

it('is a pause with one alert; work goes on by itself when there is room, also after a restart', async (context) => {
  const disk = await smallDisk(8 * MEGABYTE)
  if (disk === null) return context.skip('no disk can be mounted here')
  const conduit = await scriptConduit((prompt) => completion(`answer to: ${prompt} ${'x'.repeat(20_000)}`))
  const dataDirectory = join(disk, 'data')
  const keyPrefix = uniquePrefix()
  const batch = await handIn({ directory: disk, dataDir: dataDirectory, keyPrefix, input: requests(TOTAL) })
  const { session } = batch
  const ballast = join(disk, 'ballast')
  await writeFile(ballast, Buffer.alloc(7.5 * MEGABYTE))
  const work = () => startTestRoles(session, { baseUrl: conduit.baseUrl, dataDirectory })

  const roles = await work()
  await eventually('it is held', async () => (await session.gate.read()).holds.length > 0)
  const { holds } = await session.gate.read()
  expect(holds).toMatchObject([{ reason: 'storage', code: 'disk_full' }])
  expect(holds[0]?.message).toContain(`There is no room left on the disk of ${disk}`)
  await roles.close(1000)

  const directory = await openDataDirectory(dataDirectory)
  const another = submit(directory, {
    input: '-',
    stdin: (async function* () {
      yield Buffer.alloc(MEGABYTE, 'x')
    })(),
    output: join(disk, 'more.jsonl'),
    errors: join(disk, 'more-errors.jsonl'),
    queue: 'default',
    name: null,
    model: null,
    options: QUICK_OPTIONS,
    strict: false,
    fresh: false,
  })
  await expect(another).rejects.toMatchObject({ code: 'disk_full' })
  expect(await directory.list()).toHaveLength(1)

  await session.gate.hold(personHold)
  const again = await work()
  await truncate(ballast, 0)
  const reasons = async () => (await session.gate.read()).holds.map(({ reason }) => reason)
  await eventually('that of a person is left', async () => (await reasons()).join() === 'person')
  await session.gate.lift('person', 'person')
  await eventually('the batch ends', async () => (await batch.snapshot()).state === 'completed')
  await expectAnswers(batch.results, ids(TOTAL))
  expect(conduit.calls).toHaveLength(TOTAL)
  expect(await session.gate.pastIncidents(9)).toMatchObject([{ code: 'disk_full' }])
  const told = (await session.redis.hkeys(session.keys.outbox)).map((id) => id.replace(/^i-.*-/, ''))
  expect(told.sort()).toEqual(['opened', 'resolved'])
  await again.close(0)
})

const personHold = {
  reason: 'person',
  by: 'somebody',
  code: '',
  message: '',
  requestId: null,
  keyFingerprint: null,
  epoch: null,
  retryAfterMs: 0,
} as const
