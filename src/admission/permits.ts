import { createFairQueue } from './fair-queue.js'
import type { Lease } from './lease.js'
import { OUTAGE_FAILURES } from './pace/constants.js'
import { type CallResult, createReports, type LeaseReport } from './reports.js'
import { createSchedule } from './schedule.js'
import { createWakeUp } from './wake-up.js'

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
  /** A smaller one is to go first: come again in a second. */
  | { readonly kind: 'put_off' }

/** The permits of one queue in one process, leased from Redis for as many callers as wait. */
export interface Permits {
  /**
   * Waits for leave to send; `held` when the gate is, `closing` once `close` was called. Lanes (batches) are served
   * by turns, also with what was leased before the caller came; within a lane it is first come, first served. While
   * one call at a time goes, it is that of the smallest `size`, which an account with little left affords most likely.
   */
  acquire(lane?: string, size?: number): Promise<Admission>
  /** The gate was found held by one of this process's calls: nobody waiting here may go out. */
  hold(): void
  /**
   * One of this process's calls was refused, and it may be because of its size: what is leased is void and asked for
   * anew, and whoever waits and is so large is put off.
   */
  recall(fromSize: number): void
  /** Sends what is unreported and looks at the gate; also what lets holds lift that time ends. */
  refresh(): Promise<Lease>
  /** No permit is given after this; calls that are out may still report. */
  close(): void
  /** Sends every report that is still here; nothing is sent by itself after this. */
  flush(): Promise<void>
  /** Callers for whom no permit is leased yet. */
  readonly waiting: number
  /** Permits that are leased and whose time has not come yet. */
  readonly leased: number
  /** Conduit is out for the whole fleet, or seems so from here: calls of many requests fail and none succeeds. */
  readonly outage: boolean
}

type Ask = (want: number, report: LeaseReport | null, horizonMs: number) => Promise<Lease>

interface Waiter {
  readonly size: number
  readonly tell: (admission: Admission) => void
}

const MOST_PERMITS_A_LEASE = 200
const LONGEST_WAIT_MS = 500
/** Callers that come within this time share a round trip. */
const GATHER_MS = 4
/** Permits are leased for so long ahead, and for as long again as two trips to Redis take. */
const HORIZON_MS = 50
const LONGEST_HORIZON_MS = 500
/** Reports that nobody hurries wait so long for company. */
const REPORT_MS = 100

/**
 * @param ask one round trip to the lease script, for permits of the next `horizonMs`
 * @param onError told of failed round trips; they are tried again after a pause
 */
export function createPermits(ask: Ask, onError: (error: unknown) => void): Permits {
  const waiters = createFairQueue<Waiter>()
  const reports = createReports()
  const schedule = createSchedule(askAnew)
  let asking: Promise<void> | null = null
  let closed = false
  let flushed = false
  /** Asking for permits before this gives none. */
  let usefulAt = 0
  let outage = false
  let failuresInRow = 0
  /** How long a trip to Redis takes, of late. */
  let tripMs = 0
  /** The newest pace epoch that one of this process's calls was refused in: its permits are void. */
  let refusedEpoch = -1
  const wakeUp = createWakeUp(() => {
    asking = lease()
  })

  function wakeIn(ms: number): void {
    if (!flushed && !(closed && reports.size === 0)) wakeUp.in(ms)
  }

  function record(lease: Lease, result: CallResult, tookMs = 0): void {
    reports.add(lease, result, tookMs)
    if (result.kind === 'failed') failuresInRow += result.fresh ? 1 : 0
    else if (result.kind !== 'unsent') failuresInRow = 0
    if (result.kind === 'refused' && lease.paceEpoch > refusedEpoch) {
      refusedEpoch = lease.paceEpoch
      voidSchedule(({ paceEpoch }) => paceEpoch <= refusedEpoch)
    }
    // A refusal concerns the fleet, and a probe's end opens gate or pace: neither waits for the next lease.
    const isUrgent = result.kind === 'refused' || lease.state === 'probing' || lease.pace === 'outage'
    wakeIn(isUrgent ? 0 : REPORT_MS)
  }

  function permit(lease: Lease): Permit {
    const givenAt = performance.now()
    let reported = false
    return {
      epoch: lease.gateEpoch,
      report(result) {
        if (reported) return
        reported = true
        record(lease, result, performance.now() - givenAt)
      },
    }
  }

  function horizonMs(): number {
    return Math.min(LONGEST_HORIZON_MS, HORIZON_MS + 2 * tripMs)
  }

  /** Takes back the permits (those that are void) whose time has not come; gives how many. */
  function voidSchedule(isVoid: (lease: Lease) => boolean = () => true): number {
    const back = schedule.takeBack(isVoid)
    for (const lease of back) reports.add(lease, { kind: 'unsent' }, 0)
    return back.length
  }

  /** Callers for whom no permit is leased yet. */
  function unserved(): number {
    return Math.max(0, waiters.size - schedule.size)
  }

  /** None of the permits that are left is used: the time of all has gone by, or they were recalled. */
  function askAnew(): void {
    voidSchedule()
    wakeIn(0)
  }

  async function roundTrip(want: number): Promise<Lease> {
    const sending = reports.take()
    try {
      for (const report of sending.slice(0, -1)) await ask(0, report, HORIZON_MS)
      const askedAt = performance.now()
      const given = await ask(want, sending.at(-1) ?? null, horizonMs())
      tripMs += (performance.now() - askedAt - tripMs) / 8
      takeIn(given)
      return given
    } catch (error) {
      // A report that got through twice only counts calls twice in one closing; a lost one loses a closing.
      reports.giveBack(sending)
      throw error
    }
  }

  /** What a lease says besides its permits. */
  function takeIn(given: Lease): void {
    outage = given.pace === 'outage'
    // What failed here has been told: from now on the fleet knows better.
    failuresInRow = 0
    // Replies come in order: an epoch that fell is a Redis that lost what it knew.
    if (given.paceEpoch < refusedEpoch) refusedEpoch = -1
    const back = voidSchedule(
      ({ paceEpoch, gateEpoch }) =>
        given.pace !== 'open' || paceEpoch < given.paceEpoch || gateEpoch < given.gateEpoch,
    )
    if (back > 0) wakeIn(Math.min(LONGEST_WAIT_MS, given.askAgainInMs))
  }

  function giveOut(lease: Lease): void {
    const isVoid = closed || lease.paceEpoch <= refusedEpoch
    for (let i = 0; i < lease.permits; i++) {
      // Whoever wanted it has gone, or it is void: a probe that is never sent would keep the gate for its whole lease.
      if (isVoid || unserved() === 0) record(lease, { kind: 'unsent' })
      else schedule.add(lease, lease.firstInMs + i * lease.spacingMs, () => serve(lease))
    }
  }

  function serve(lease: Lease): void {
    const waiter = lease.state === 'probing' ? waiters.shiftLeast(({ size }) => size) : waiters.shift()
    if (waiter === undefined) record(lease, { kind: 'unsent' })
    else waiter.tell({ kind: 'go', permit: permit(lease) })
  }

  function answerAll(admission: Admission): void {
    voidSchedule()
    for (const { tell } of waiters.takeAll()) tell(admission)
    if (reports.size > 0) wakeIn(REPORT_MS)
  }

  async function lease(): Promise<void> {
    const want = closed ? 0 : Math.min(unserved(), MOST_PERMITS_A_LEASE)
    let waitMs = LONGEST_WAIT_MS
    try {
      const given = await roundTrip(want)
      if (given.state === 'held') answerAll({ kind: 'held' })
      giveOut(given)
      // Nothing was asked for those who came meanwhile.
      waitMs = want === 0 && unserved() > 0 ? 0 : Math.min(LONGEST_WAIT_MS, given.askAgainInMs)
    } catch (error) {
      onError(error)
      wakeUp.notBefore(LONGEST_WAIT_MS)
    }
    asking = null
    wakeUp.done()
    usefulAt = performance.now() + waitMs
    if (unserved() > 0) wakeIn(waitMs)
    else if (reports.size > 0) wakeIn(REPORT_MS)
  }

  return {
    acquire(lane = '', size = 0) {
      if (closed) return Promise.resolve({ kind: 'closing' })
      return new Promise((tell) => {
        waiters.push(lane, { size, tell })
        wakeIn(Math.max(GATHER_MS, usefulAt - performance.now()))
      })
    },
    hold() {
      answerAll({ kind: 'held' })
    },
    recall(fromSize) {
      for (const { tell } of waiters.takeAll(({ size }) => size >= fromSize)) tell({ kind: 'put_off' })
      askAnew()
    },
    refresh: () => roundTrip(0),
    close() {
      closed = true
      wakeUp.cancel()
      answerAll({ kind: 'closing' })
    },
    async flush() {
      flushed = true
      wakeUp.cancel()
      await asking
      if (reports.size > 0) await roundTrip(0)
    },
    get waiting() {
      return unserved()
    },
    get leased() {
      return schedule.size
    },
    get outage() {
      return outage || failuresInRow >= OUTAGE_FAILURES
    },
  }
}
