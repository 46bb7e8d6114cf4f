import { startPace } from '../../../src/admission/pace/pace.js'
import type { PaceState } from '../../../src/admission/pace/state.js'
import type { LimitSettings } from '../../../src/simulator/options.js'
import { createBacklog } from './backlog.js'
import { createVirtualClock, seededRandom } from './clock.js'
import { createJournal, type Journal } from './journal.js'
import { createSharedPace } from './shared-pace.js'
import { createUpstream } from './upstream.js'
import { startWorker } from './worker.js'

/** From when on (s) which limit is in force; null: none. */
export interface Phase {
  readonly from: number
  readonly limit: LimitSettings | null
}

/** Spans are from the least to the most seconds, evenly spread. */
export interface Scenario {
  readonly phases: readonly Phase[]
  /** It is over when all are answered, or after so many seconds. */
  readonly prompts: number
  readonly seconds: number
  readonly workers: number
  /** Calls that the whole fleet may have in flight. */
  readonly concurrency: number
  readonly latency: readonly [number, number]
  readonly refusal: readonly [number, number]
  /** How long a call travels before it is counted; always the same when not told. */
  readonly jitter?: readonly [number, number]
  readonly retryAfter: 'seconds' | 'missing' | 'zero' | 'absurd'
  readonly tellsLimit: boolean
  /** Of other clients of the key, at all times. */
  readonly othersPerSecond: number
  readonly outage?: readonly [number, number]
  /** Calls per second. */
  readonly ceiling: number
  /** To Redis and back, s. */
  readonly roundTrip: number
  /** Seconds after a full minute at which it starts. */
  readonly startsAt: number
  readonly seed: number
  /** What an earlier batch left behind; it starts so many seconds after that one's end. */
  readonly after?: { readonly run: Run; readonly idle: number }
}

export interface Run {
  readonly journal: Journal
  readonly state: PaceState
  /** Unix seconds. */
  readonly endedAt: number
}

const A_FULL_MINUTE = 1_700_000_040

const USUAL: Scenario = {
  phases: [],
  prompts: Number.POSITIVE_INFINITY,
  seconds: Number.POSITIVE_INFINITY,
  workers: 1,
  concurrency: 400,
  latency: [0.2, 0.2],
  refusal: [0.05, 0.05],
  retryAfter: 'seconds',
  tellsLimit: false,
  othersPerSecond: 0,
  ceiling: 10_000,
  roundTrip: 0.001,
  startsAt: 0,
  seed: 1,
}

/** Runs a fleet against an upstream on a virtual clock: the same scenario gives the same run. */
export function simulate(over: Partial<Scenario>): Run {
  const scenario = { ...USUAL, ...over }
  const { prompts, seconds, workers, concurrency, seed, after } = scenario
  const startAt = after === undefined ? A_FULL_MINUTE + scenario.startsAt : after.run.endedAt + after.idle
  const clock = createVirtualClock(startAt)
  const random = seededRandom(seed)
  const journal = createJournal()
  const state = after === undefined ? startPace(startAt) : { ...after.run.state }
  const pace = createSharedPace(clock, state, scenario)
  const backlog = createBacklog(clock, prompts)
  const upstream = createUpstream(clock, scenario, random, journal)
  for (let n = 0; n < workers; n++) {
    startWorker({ clock, pace, backlog, upstream, random }, Math.ceil(concurrency / workers))
  }
  clock.run(() => clock.now - startAt >= seconds || journal.answered >= prompts)
  return { journal, state, endedAt: clock.now }
}
