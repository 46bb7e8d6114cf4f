import { answerBatch } from '../batch.js'
import { percent, soundness } from '../common-figures.js'
import type { Figure } from '../figure.js'
import type { Place } from '../place.js'
import type { Scenario } from '../scenario.js'
import { countBetween } from '../series.js'
import type { TimedStats } from '../simulator.js'
import { refusedShare } from '../window-use.js'
import { bucketLimit, USUAL } from './bucket.js'

const LIMIT = { perSecond: 100, burst: 20 }
const PROMPTS = { first: 2000, second: 1000 }
const LOOK_S = 5

async function learned(place: Place): Promise<Figure[]> {
  const simulator = await place.simulate({ ...USUAL, limit: bucketLimit(LIMIT) })
  const first = await place.input('first', PROMPTS.first)
  await answerBatch(place, simulator, first)
  const endOfFirst = Date.now()
  const second = await place.input('second', PROMPTS.second)
  await answerBatch(place, simulator, second)
  const stats = await simulator.stats()
  const fromMs = firstCallAfter(stats, endOfFirst)
  const toMs = fromMs + LOOK_S * 1000
  const admitted = countBetween(stats.timeline, 'completed', fromMs, toMs)
  return [
    percent('limit used in the first 5 s of the second batch', admitted / (LIMIT.perSecond * LOOK_S), {
      atLeast: 90,
    }),
    percent('refused in them', refusedShare(stats.timeline, fromMs, toMs), { atMost: 2 }),
    ...soundness(await place.answersTo(second), stats),
  ]
}

/** The start of the first span with a call after a time; that time when there is none. */
function firstCallAfter({ timeline }: TimedStats, afterMs: number): number {
  const { startMs, bucketMs } = timeline
  const from = Math.ceil((afterMs - startMs) / bucketMs)
  const offset = timeline.arrived.slice(from).findIndex((count) => count > 0)
  return offset === -1 ? afterMs : startMs + (from + offset) * bucketMs
}

/** What was learned outlives the batch and the processes. */
export const LEARNED: Scenario = {
  name: 'learned',
  about: 'two batches one after the other at 100 a second, no process in between',
  groups: [],
  alone: true,
  timeLimitMs: () => 300_000,
  run: learned,
}
