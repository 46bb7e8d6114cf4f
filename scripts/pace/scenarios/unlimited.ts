import { bareLoop } from '../bare-loop.js'
import { answerBatch } from '../batch.js'
import { callsTook, soundness } from '../common-figures.js'
import { type Figure, figure } from '../figure.js'
import type { Place } from '../place.js'
import type { Scenario } from '../scenario.js'
import { timeOfInFlight } from '../series.js'

const PROMPTS = 10_000
const IN_FLIGHT = 200
/** The moment of full concurrency is to be known to a fiftieth of a second. */
const TIMELINE_MS = 20

async function unlimited(place: Place): Promise<Figure[]> {
  const latencyMs = { min: 200, max: 200 }
  const simulator = await place.simulate({ latencyMs, timelineMs: TIMELINE_MS })
  const input = await place.input('prompts', PROMPTS)
  const redisBefore = await place.redis.cpuSeconds()
  const startedAt = performance.now()
  await answerBatch(place, simulator, input, { flags: ['--concurrency', String(IN_FLIGHT)] })
  const wall = (performance.now() - startedAt) / 1000
  const redisCpu = (await place.redis.cpuSeconds()) - redisBefore
  const { cpuSeconds } = await place.observed()
  const stats = await simulator.stats()
  const bare = await bareLoop(simulator, PROMPTS, IN_FLIGHT)

  const { firstCallMs } = stats.timeline
  const fullMs = timeOfInFlight(stats.timeline, IN_FLIGHT)
  const full = fullMs === null || firstCallMs === null ? null : (fullMs - firstCallMs) / 1000
  const took = callsTook(stats)
  const perThousand = (seconds: number) => seconds / (PROMPTS / 1000)
  return [
    figure(`first call until ${IN_FLIGHT} in flight`, full, 's', { atMost: 1.5 }),
    figure('first call to last answer', took, 's'),
    figure('bare undici loop', bare.seconds, 's'),
    figure('first call to last answer ÷ bare loop', took === null ? null : took / bare.seconds, '×'),
    figure('the whole command', wall, 's'),
    figure('CPU per 1,000 requests: conduit-batch', perThousand(cpuSeconds), 's'),
    figure('CPU per 1,000 requests: Redis', perThousand(redisCpu), 's'),
    figure('CPU per 1,000 requests: bare loop', perThousand(bare.cpuSeconds), 's'),
    ...soundness(await place.answersTo(input), stats),
  ]
}

/** No limit at all: as fast as HTTP. */
export const UNLIMITED: Scenario = {
  name: 'unlimited',
  about: '10,000 prompts, no limit, 200 ms, --concurrency 200',
  groups: [],
  alone: true,
  timeLimitMs: () => 300_000,
  run: unlimited,
}
