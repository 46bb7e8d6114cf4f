import type { RetryAfterMode, SimulatorOptions } from '../../../src/simulator/options.js'
import { answerBatch } from '../batch.js'
import { percent, soundness } from '../common-figures.js'
import { type Figure, figure } from '../figure.js'
import { idealSeconds } from '../ideal.js'
import { startOtherClient } from '../other-client.js'
import type { Place } from '../place.js'
import type { Scenario } from '../scenario.js'
import { type BucketWork, bucketLimit, throughBucket, USUAL } from './bucket.js'
import { throughWindows, windowMs, windowPatienceMs } from './window.js'

const USUAL_BUCKET = { prompts: 3000, perSecond: 100, burst: 20 }
/** Of the limit, what another client takes. */
const OTHERS_SHARE = 1 / 3

function bucket(name: string, about: string, work: BucketWork, alone = false): Scenario {
  return {
    name: `hard-${name}`,
    about,
    groups: ['hard'],
    alone,
    timeLimitMs: () => 600_000,
    run: (place) => throughBucket(place, work),
  }
}

function sliding(
  name: string,
  about: string,
  { countRefused = false, ...upstream }: Partial<SimulatorOptions> & { countRefused?: boolean },
): Scenario {
  const kind = 'sliding'
  return {
    name: `hard-${name}`,
    about: `${about}, sliding window, 1,200 a minute`,
    groups: ['hard'],
    alone: false,
    timeLimitMs: windowPatienceMs,
    run: (place, options) => {
      const limit = { kind, requestsPerWindow: 1200, windowMs: windowMs(options), countRefused } as const
      return throughWindows(place, limit, { upstream, targets: false })
    },
  }
}

function retryAfter(mode: RetryAfterMode & string): Scenario[] {
  return [
    bucket(`bucket-${mode}`, `Retry-After ${mode}, 100 a second with burst 20`, {
      ...USUAL_BUCKET,
      upstream: { retryAfter: mode },
    }),
    sliding(`sliding-${mode}`, `Retry-After ${mode}`, { retryAfter: mode }),
  ]
}

/** What is left is the limit without what the other one really got. */
async function withOtherClient(place: Place): Promise<Figure[]> {
  const { prompts, perSecond, burst } = USUAL_BUCKET
  const simulator = await place.simulate({ ...USUAL, limit: bucketLimit(USUAL_BUCKET) })
  const input = await place.input('prompts', prompts)
  const other = startOtherClient(simulator, perSecond * OTHERS_SHARE)
  const startedAt = performance.now()
  const end = await answerBatch(place, simulator, input).then(
    () => null,
    (error: Error) => error,
  )
  const took = (performance.now() - startedAt) / 1000
  const others = await other.stop()
  if (end !== null) throw end
  const stats = await simulator.stats()
  const left = perSecond - others.admitted / took
  const ideal = idealSeconds(prompts, [{ atMs: 0, perSecond: left, burst }], USUAL.latencyMs.max)
  const calls = stats.calls - others.admitted - others.refused
  const refused = (stats.byStatus['429'] ?? 0) - others.refused
  return [
    figure('time of the command ÷ ideal', took / ideal, '×'),
    percent('refused of ours', refused / calls),
    percent('refused of theirs', others.refused / (others.admitted + others.refused)),
    ...soundness(await place.answersTo(input), stats),
  ]
}

/** What is not promised, and what the next improvement is to be measured by. */
export const HARD: readonly Scenario[] = [
  bucket('bucket-10-1', '10 a second with burst 1', { prompts: 300, perSecond: 10, burst: 1 }),
  bucket('bucket-20-1', '20 a second with burst 1', { prompts: 600, perSecond: 20, burst: 1 }),
  bucket(
    'bucket-1000-10',
    '1,000 a second with burst 10',
    { prompts: 20_000, perSecond: 1000, burst: 10 },
    true,
  ),
  bucket(
    'bucket-500-1000',
    '500 a second with burst 1,000',
    { prompts: 15_000, perSecond: 500, burst: 1000 },
    true,
  ),
  bucket('bucket-counted', 'refused calls count, 100 a second with burst 20', {
    ...USUAL_BUCKET,
    countRefused: true,
  }),
  sliding('sliding-counted', 'refused calls count', { countRefused: true }),
  ...(['missing', 'zero', 'date', 'absurd'] as const).flatMap(retryAfter),
  bucket('bucket-headers', 'x-ratelimit headers as OpenAI has them, 100 a second with burst 20', {
    ...USUAL_BUCKET,
    upstream: { rateLimitHeaders: 'openai' },
  }),
  sliding('sliding-headers', 'x-ratelimit headers in plain numbers', { rateLimitHeaders: 'plain' }),
  bucket('slow-429', '429s that take 500 ms, 100 a second with burst 20', {
    ...USUAL_BUCKET,
    upstream: { refusalLatencyMs: { min: 500, max: 500 } },
  }),
  bucket('latency-5s', 'answers that take 5 s, 100 a second with burst 20', {
    ...USUAL_BUCKET,
    upstream: { latencyMs: { min: 5000, max: 5000 } },
  }),
  {
    name: 'hard-other-client',
    about: 'another client takes a third of 100 a second with burst 20',
    groups: ['hard'],
    alone: false,
    timeLimitMs: () => 600_000,
    run: withOtherClient,
  },
]
