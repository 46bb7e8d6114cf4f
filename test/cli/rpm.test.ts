import { expect, test } from 'vitest'
import { ids, jsonLines, request } from '../support/batch-files.js'
import { createWorkplace } from '../support/cli.js'
import { completion, scriptConduit } from '../support/conduit.js'

const PER_SECOND = 10
const TOTAL = 40

test('run --rpm 600 calls ten times a second, from the first second on, where the environment would allow more', async () => {
  const times: number[] = []
  const conduit = await scriptConduit(() => {
    times.push(performance.now())
    return completion()
  })
  const place = await createWorkplace({
    CONDUIT_API_KEY: 'sk-1',
    CONDUIT_BASE_URL: conduit.baseUrl,
    CONDUIT_BATCH_RPM: '60000',
  })
  await place.write('in.jsonl', jsonLines(ids(TOTAL).map((id) => request(id))))

  expect(await place.run(['run', 'in.jsonl', '--rpm', String(PER_SECOND * 60)])).toExitWith(0)

  expect(times).toHaveLength(TOTAL)
  const sinceFirst = times.map((at) => at - (times[0] ?? 0))
  expect(sinceFirst.at(-1)).toBeGreaterThanOrEqual(3500)
  // Spread evenly, and not in bursts with pauses between.
  expect(sinceFirst[TOTAL / 2]).toBeGreaterThanOrEqual(1500)
  expect(sinceFirst[TOTAL / 2]).toBeLessThanOrEqual((sinceFirst.at(-1) ?? 0) - 1500)
})
