import type { LimitOptions, SimulatorOptions } from '../../../src/simulator/options.js'
import { answerBatch } from '../batch.js'
import { callsTook, refusedInAll, soundness } from '../common-figures.js'
import { type Figure, figure, type Target } from '../figure.js'
import { idealSeconds } from '../ideal.js'
import type { Place } from '../place.js'
import type { Scenario } from '../scenario.js'
import type { TimedStats } from '../simulator.js'

/** A token bucket and the batch that goes through it. */
export interface BucketWork {
  readonly prompts: number
  readonly perSecond: number
  readonly burst: number
  readonly workers?: number
  /** More of the simulator's options, or others than the usual ones. */
  readonly upstream?: Partial<SimulatorOptions>
  readonly countRefused?: boolean
}

/** How the simulator answers unless a scenario says otherwise. */
export const USUAL = {
  latencyMs: { min: 200, max: 200 },
  refusalLatencyMs: { min: 50, max: 50 },
} satisfies Partial<SimulatorOptions>

const REFUSED: Target = { atMost: 2 }
const PROMPTS = 3000
const MOVES_MS = { down: 10_000, up: 30_000 }

/** The limit of a bucket as the simulator takes it. */
export function bucketLimit({ perSecond, burst, countRefused = false }: Omit<BucketWork, 'prompts'>) {
  return {
    kind: 'bucket',
    requestsPerWindow: Math.round(perSecond * 60),
    burst,
    countRefused,
  } satisfies LimitOptions
}

/** Time ÷ ideal, refusals and soundness of a batch that goes through a bucket. */
export async function throughBucket(place: Place, work: BucketWork, target?: Target): Promise<Figure[]> {
  const upstream = { ...USUAL, limit: bucketLimit(work), ...work.upstream }
  const latencyMs = work.upstream?.latencyMs ?? USUAL.latencyMs
  const simulator = await place.simulate(upstream)
  const input = await place.input('prompts', work.prompts)
  await answerBatch(place, simulator, input, { workers: work.workers ?? 1 })
  const ideal = idealSeconds(work.prompts, [{ atMs: 0, ...work }], latencyMs.max)
  return bucketFigures(place, await simulator.stats(), input, ideal, target)
}

/** The figures of a batch that has gone through a bucket; refusals have a target where the time has one. */
export async function bucketFigures(
  place: Place,
  stats: TimedStats,
  input: string,
  ideal: number,
  target?: Target,
): Promise<Figure[]> {
  const took = callsTook(stats)
  return [
    figure('time ÷ ideal', took === null ? null : took / ideal, '×', target),
    refusedInAll(stats, target === undefined ? undefined : REFUSED),
    ...soundness(await place.answersTo(input), stats),
  ]
}

/** The limit falls to a third and rises again; the ideal follows it. */
async function moves(place: Place): Promise<Figure[]> {
  const [high, low] = [
    { perSecond: 100, burst: 20 },
    { perSecond: 100 / 3, burst: 20 },
  ]
  const simulator = await place.simulate({ ...USUAL, limit: bucketLimit(high) })
  const input = await place.input('prompts', PROMPTS)
  const batch = answerBatch(place, simulator, input)
  const firstCall = await Promise.race([simulator.firstCall(), batch.then(() => 0)])
  const moveAt = async (atMs: number, to: typeof high) => {
    await new Promise((resolve) => setTimeout(resolve, firstCall + atMs - Date.now()))
    const movedAt = await simulator.control({ limit: bucketLimit(to) })
    return { atMs: movedAt - firstCall, ...to }
  }
  const down = await moveAt(MOVES_MS.down, low)
  const up = await moveAt(MOVES_MS.up, high)
  await batch
  const ideal = idealSeconds(PROMPTS, [{ atMs: 0, ...high }, down, up], USUAL.latencyMs.max)
  return bucketFigures(place, await simulator.stats(), input, ideal, { atMost: 1.15 })
}

const common = { groups: ['buckets'], alone: true, timeLimitMs: () => 300_000 }

/** The buckets that have targets. */
export const BUCKETS: readonly Scenario[] = [
  {
    ...common,
    name: 'bucket',
    about: '3,000 prompts, 100 a second with burst 20, limit unknown',
    run: (place) => throughBucket(place, { prompts: PROMPTS, perSecond: 100, burst: 20 }, { atMost: 1.06 }),
  },
  {
    ...common,
    name: 'bucket-4',
    about: 'the same with four worker processes',
    run: (place) =>
      throughBucket(place, { prompts: PROMPTS, perSecond: 100, burst: 20, workers: 4 }, { atMost: 1.08 }),
  },
  {
    ...common,
    name: 'bucket-moves',
    about: 'the same, the limit at a third from second 10 to second 30',
    run: moves,
  },
]
