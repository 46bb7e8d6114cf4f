import type { Lease, LeaseReport } from './lease.js'
import { type CallResult, createReports, reportOf } from './reports.js'

export type { CallResult } from './reports.js'

/** Leave to send one call. Whoever gets one says once what came of it. */
export interface Permit {
  /** Gate epoch: a 401 or 402 of an earlier epoch says nothing about now. */
  readonly epoch: number
  report(result: CallResult): void
}

export type Admission =
  | { readonly kind: 'go'; readonly permit: Permit }
  | { readonly kind: 'held' }
  | { readonly kind: 'closing' }

/** The permits of one queue in one process, leased from Redis for as many callers as wait. */
export interface Permits {
  /** Waits for leave to send; `held` when the gate is, `closing` once `close` was called. First come, first served. */
  acquire(): Promise<Admission>
  /** The gate was found held by one of this process's calls: nobody waiting here may go out. */
  hold(): void
  /** Sends what is unreported and looks at the gate; also what lets holds lift that time ends. */
  refresh(): Promise<Lease>
  /** No permit is given after this; calls that are out may still report. */
  close(): void
  /** Sends every report that is still here; nothing is sent by itself after this. */
  flush(): Promise<void>
  readonly waiting: number
  /** Permits that this process has and has not given out yet. */
  readonly leased: number
  /** Conduit is out for the whole fleet: calls of many requests fail and none succeeds. */
  readonly outage: boolean
}

type Ask = (want: number, report: LeaseReport | null) => Promise<Lease>
type Waiter = (admission: Admission) => void

const MOST_PERMITS_A_LEASE = 200
const LONGEST_WAIT_MS = 500
/** Callers that come within this time share a round trip. */
const GATHER_MS = 4

/**
 * @param ask one round trip to the lease script
 * @param onError told of failed round trips; they are tried again after a pause
 */
export function createPermits(ask: Ask, onError: (error: unknown) => void): Permits {
  let waiters: Waiter[] = []
  const reports = createReports()
  let asking: Promise<void> | null = null
  let again: NodeJS.Timeout | null = null
  let closed = false
  let flushed = false
  /** A report that must not wait came while a round trip was under way. */
  let urgent = false
  /** Grows with each hold seen, so that permits scheduled before it are void. */
  let holds = 0
  let leased = 0

  function record(lease: Lease, result: CallResult): void {
    reports.add(reportOf(lease, result))
    // A refusal concerns the fleet, and a probe's end opens the gate: neither waits for the next lease.
    if (result.kind === 'refused' || lease.state === 'probing') pump(0)
  }

  function permit(lease: Lease): Permit {
    let reported = false
    return {
      epoch: lease.gateEpoch,
      report(result) {
        if (reported) return
        reported = true
        record(lease, result)
      },
    }
  }

  async function roundTrip(want: number): Promise<Lease> {
    const sending = reports.take()
    try {
      for (const report of sending.slice(0, -1)) await ask(0, report)
      return await ask(want, sending.at(-1) ?? null)
    } catch (error) {
      // A report that got through twice only counts calls twice in one closing; a lost one loses a closing.
      for (const report of sending) reports.add(report)
      throw error
    }
  }

  function giveOut(lease: Lease): void {
    const seen = holds
    for (let i = 0; i < lease.permits; i++) {
      const waiter = waiters.shift()
      if (waiter === undefined) {
        // Whoever wanted it has gone; a probe that is never sent would keep the gate for its whole lease.
        if (lease.state === 'probing') record(lease, { kind: 'unsent' })
        break
      }
      const go = () => {
        leased--
        if (!closed && holds === seen) return waiter({ kind: 'go', permit: permit(lease) })
        record(lease, { kind: 'unsent' })
        waiter({ kind: closed ? 'closing' : 'held' })
      }
      leased++
      const inMs = lease.firstInMs + i * lease.spacingMs
      if (inMs < 1) go()
      else setTimeout(go, inMs)
    }
  }

  function answerAll(admission: Admission): void {
    const all = waiters
    waiters = []
    for (const waiter of all) waiter(admission)
  }

  async function lease(): Promise<void> {
    let waitMs = LONGEST_WAIT_MS
    const want = Math.min(waiters.length, MOST_PERMITS_A_LEASE)
    try {
      const given = await roundTrip(want)
      if (given.state === 'held') answerAll({ kind: 'held' })
      giveOut(given)
      // Nothing was asked for those who came meanwhile.
      const unasked = want === 0 && waiters.length > 0
      waitMs = unasked || urgent ? 0 : Math.min(LONGEST_WAIT_MS, given.askAgainInMs)
    } catch (error) {
      onError(error)
    }
    asking = null
    urgent = false
    if (waiters.length > 0 || reports.size > 0) pump(waitMs)
  }

  function pump(inMs: number): void {
    if (asking !== null) {
      urgent ||= inMs === 0
      return
    }
    if (flushed || (closed && reports.size === 0)) return
    if (again !== null) {
      if (inMs > 0) return
      clearTimeout(again)
    }
    again = setTimeout(() => {
      again = null
      asking = lease()
    }, inMs)
  }

  function cancelNext(): void {
    if (again !== null) clearTimeout(again)
    again = null
  }

  return {
    acquire() {
      if (closed) return Promise.resolve({ kind: 'closing' })
      return new Promise((resolve) => {
        waiters.push(resolve)
        if (again === null) pump(GATHER_MS)
      })
    },
    hold() {
      holds++
      answerAll({ kind: 'held' })
    },
    refresh: () => roundTrip(0),
    close() {
      closed = true
      cancelNext()
      answerAll({ kind: 'closing' })
    },
    async flush() {
      flushed = true
      cancelNext()
      await asking
      if (reports.size > 0) await roundTrip(0)
    },
    get waiting() {
      return waiters.length
    },
    get leased() {
      return leased
    },
    get outage() {
      return false
    },
  }
}
