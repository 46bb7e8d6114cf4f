import {
  type ConcurrencyState,
  type EndedCall,
  followConcurrency,
  startConcurrency,
} from '../../src/admission/concurrency.js'

/** What becomes of a call: its latency on an idle upstream, and how it ends. */
interface Fate {
  readonly latencyMs: number
  readonly kind: EndedCall['kind']
}

/** An upstream, and what limits it. */
export interface UpstreamModel {
  readonly fate: (nowMs: number, n: number) => Fate
  /** Calls that are worked on at a time; the others wait for their turn. No bound when not given. */
  readonly lanes?: number
  /** Permits per second at a time; no bound when not given. */
  readonly pace?: (nowMs: number) => number
  readonly ceiling?: number
  /** Jobs that a worker can fetch in a millisecond. */
  readonly fetchesPerMs?: number
}

/** What was seen at a look of the controller. */
export interface Look {
  readonly atMs: number
  readonly limit: number
  readonly inFlight: number
  readonly waiting: number
  readonly answered: number
}

const LOOK_MS = 50
const SLOW_LOOK_MS = 250

/** One process on an upstream with no end of jobs, a millisecond at a time on a clock of its own. */
export function simulateConcurrency(model: UpstreamModel, forMs: number): Look[] {
  const { fate, lanes = Number.POSITIVE_INFINITY, pace, ceiling = 1000, fetchesPerMs = 5 } = model
  let state: ConcurrencyState = startConcurrency(ceiling, 0)
  const ends = new Map<number, EndedCall[]>()
  const queued: { beganAtMs: number; fate: Fate }[] = []
  const looks: Look[] = []
  let [held, waiting, inFlight, busyLanes, permits, n, answered] = [0, 0, 0, 0, 0, 0, 0]
  let seen = { held: 0, permitted: 0, waiting: 0, begun: 0, ended: [] as EndedCall[] }
  let [lookAt, events] = [LOOK_MS, 0]
  for (let now = 0; now < forMs; now++) {
    const over = ends.get(now) ?? []
    ends.delete(now)
    for (const call of over) {
      seen.ended.push(call)
      if (call.kind === 'answered') answered++
    }
    held -= over.length
    inFlight -= over.length
    busyLanes -= over.length
    const fetched = Math.min(fetchesPerMs, Math.max(0, state.limit - held))
    held += fetched
    waiting += fetched
    permits = pace === undefined ? waiting : Math.min(Math.max(1, pace(now) / 20), permits + pace(now) / 1000)
    for (; waiting > 0 && permits >= 1; permits--) {
      waiting--
      inFlight++
      seen.begun++
      events++
      queued.push({ beganAtMs: now, fate: fate(now, n++) })
    }
    while (busyLanes < lanes && queued.length > 0) {
      const call = queued.shift() as (typeof queued)[number]
      busyLanes++
      const at = now + Math.max(1, Math.round(call.fate.latencyMs))
      const end = { kind: call.fate.kind, beganAtMs: call.beganAtMs }
      const others = ends.get(at)
      if (others === undefined) ends.set(at, [end])
      else others.push(end)
    }
    events += over.length
    seen.held = Math.max(seen.held, held)
    seen.permitted = Math.max(seen.permitted, inFlight)
    seen.waiting = Math.min(seen.waiting, waiting)
    if (now < lookAt || (events === 0 && now < lookAt - LOOK_MS + SLOW_LOOK_MS)) continue
    state = followConcurrency(state, seen, ceiling, now)
    looks.push({ atMs: now, limit: state.limit, inFlight, waiting, answered })
    seen = { held, permitted: inFlight, waiting, begun: 0, ended: [] }
    events = 0
    lookAt = now + LOOK_MS
  }
  return looks
}
