import { answerBatch } from '../batch.js'
import { soundness } from '../common-figures.js'
import { type Figure, figure } from '../figure.js'
import type { Place, Upstream } from '../place.js'
import { startProxy } from '../proxy.js'
import type { Scenario } from '../scenario.js'
import { countBetween, msUntilRate } from '../series.js'
import type { SimulatorProcess } from '../simulator.js'
import { bucketLimit, USUAL } from './bucket.js'

const PROMPTS = 5000
const HEALTHY_MS = 20_000
const OUTAGE_MS = 60_000
/** The rate before is that of the last seconds before the outage. */
const RATE_SPAN_MS = 10_000
/** Calls that were on their way when it began, and those that find it out. */
const GRACE_MS = 2_000
/** Full speed again: 90 % of the rate before, for so long. */
const FULL = { share: 0.9, spanMs: 3_000 }

/** A way to take the upstream away; both resolve with the time of the change (Unix milliseconds). */
interface Switch {
  readonly upstream: Upstream
  off(): Promise<number>
  on(): Promise<number>
}

async function unavailable(simulator: SimulatorProcess): Promise<Switch> {
  return {
    upstream: simulator,
    off: () => simulator.control({ faults: [{ fault: 'SERVICE_UNAVAILABLE', probability: 1 }] }),
    on: () => simulator.control({ faults: [] }),
  }
}

async function refusing(simulator: SimulatorProcess): Promise<Switch> {
  const proxy = await startProxy(simulator)
  return { upstream: proxy, off: proxy.refuse, on: proxy.accept }
}

async function outage(place: Place, prepare: typeof unavailable): Promise<Figure[]> {
  const limit = bucketLimit({ perSecond: 100, burst: 20 })
  const simulator = await place.simulate({ ...USUAL, limit })
  const { upstream, off, on } = await prepare(simulator)
  const input = await place.input('prompts', PROMPTS)
  const batch = answerBatch(place, upstream, input)
  await Promise.race([simulator.firstCall(), batch])
  await wait(HEALTHY_MS)
  const beganMs = await off()
  await wait(OUTAGE_MS)
  const endedMs = await on()
  await batch
  const stats = await simulator.stats()
  const { timeline } = stats
  const { connectFailedAtMs } = await place.observed()
  const probesFrom = beganMs + GRACE_MS
  const refused = connectFailedAtMs.filter((atMs) => atMs >= probesFrom && atMs < endedMs)
  const calls = countBetween(timeline, 'arrived', probesFrom, endedMs) + refused.length
  const before = countBetween(timeline, 'completed', beganMs - RATE_SPAN_MS, beganMs)
  const perSecond = (before / RATE_SPAN_MS) * 1000
  const backMs = msUntilRate(timeline, endedMs, perSecond * FULL.share, FULL.spanMs)
  return [
    figure('calls in the outage after its first 2 s', calls, '', { atMost: 74 }),
    figure('full speed again after its end', backMs === null ? null : backMs / 1000, 's', { atMost: 10 }),
    figure('rate before', perSecond, '/s'),
    ...soundness(await place.answersTo(input), stats),
  ]
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

const common = { groups: ['outages'], alone: false, timeLimitMs: () => 600_000 }

/** An upstream that is away for a minute in the middle of a batch. */
export const OUTAGES: readonly Scenario[] = [
  {
    ...common,
    name: 'outage',
    about: '60 s of 503 for everything, in the middle of 5,000 prompts at 100 a second',
    run: (place) => outage(place, unavailable),
  },
  {
    ...common,
    name: 'outage-refused',
    about: 'the same, with connections refused',
    run: (place) => outage(place, refusing),
  },
]
