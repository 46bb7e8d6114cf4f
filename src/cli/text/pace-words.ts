import type { QueuePace } from '../../batches/snapshot.js'
import { formatDuration, formatMoment, formatPerMinute, formatRate, formatShare } from './format.js'

/** A shorter wait is no news: the pace closes for moments again and again while it finds the limit. */
const WAIT_WORTH_TELLING_MS = 1000

/** What to know of an outage: one sentence on what is, one on what to do. */
export const OUTAGE_REST =
  'One call every few seconds asks whether it is back; no attempt is used. There is nothing to do: full speed comes back by itself.'

/** That Conduit is out, and since when: `Conduit does not answer (5xx or no connection) since 14:02:11, for 38 s.` */
export function outageHeadline(since: number | null, nowMs: number): string {
  return `Conduit does not answer (5xx or no connection)${sinceWords(since, nowMs)}.`
}

/** That Conduit is back: `Conduit answers again, after 3 min 20 s.` */
export function outageOver(since: number | null, nowMs: number): string {
  return `Conduit answers again${since === null ? '' : `, after ${formatDuration(nowMs - since)}`}.`
}

/** `since 14:02:11, for 38 s`, with a space before; nothing when it is not known. */
function sinceWords(since: number | null, nowMs: number): string {
  return since === null ? '' : ` since ${formatMoment(since, nowMs)}, for ${formatDuration(nowMs - since)}`
}

/** The limit as it was learned: `limit about 6,000/min`; null when none was met. */
export function limitWords({ learnedPerMinute }: QueuePace, about = 'about '): string | null {
  return learnedPerMinute === null ? null : `limit ${about}${formatPerMinute(learnedPerMinute)}`
}

/** The share of refused calls: `0.4% refused`; null while there is nothing to say of limits. */
export function refusedWords({ learnedPerMinute, refusedShare }: QueuePace): string | null {
  if (refusedShare === null || (learnedPerMinute === null && refusedShare <= 0)) return null
  return `${formatShare(refusedShare)} refused`
}

/** How fast a queue may send now: `up to 48/s`; `next call in 12 s` while it waits after a refusal. */
export function speedWords({ state, ratePerSecond, closedUntil }: QueuePace, nowMs: number): string {
  switch (state) {
    case 'outage':
      return 'one call every few seconds'
    case 'closed': {
      const waitMs = (closedUntil ?? nowMs) - nowMs
      const wait = waitMs < WAIT_WORTH_TELLING_MS ? '' : `, next call in ${formatDuration(waitMs)}`
      return `up to ${formatRate(ratePerSecond)}${wait}`
    }
    case 'open':
      return `up to ${formatRate(ratePerSecond)}`
  }
}
