import { inDollars } from '../money.js'

/** That the balance will not last for what is queued, as far as it is told to people. Money in cents. */
export interface LowBalance {
  readonly balanceCents: number
  /** What the queued requests take, and how much of it is lacking. */
  readonly costToFinishCents: number
  readonly shortByCents: number
  /** How long the balance lasts; null while nothing is spent. */
  readonly lastsMs: number | null
}

/** Conduit's own page about it: https://conduit.im/docs/api/usage. Credits are bought in the dashboard. */
export const TOP_UP_LINK = 'https://conduit.im'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** What lacks, without a full stop: `credits for 38 minutes at this rate; what is queued needs about $12.40 more`. */
export function lowBalanceInWords({ balanceCents, shortByCents, lastsMs }: LowBalance): string {
  const rest = balanceCents > 0 ? `${inDollars(balanceCents)} left` : 'nothing is left'
  const left =
    lastsMs === null || balanceCents <= 0 ? rest : `credits for ${lastsInWords(lastsMs)} at this rate`
  return `${left}; what is queued needs about ${inDollars(Math.max(1, shortByCents))} more`
}

/** What a person can do about it. */
export function lowBalanceAdvice(): string {
  return (
    `Top up at ${TOP_UP_LINK} (billing dashboard) while it runs. Otherwise it pauses when the credits are used up; ` +
    'nothing is lost by that.'
  )
}

/** How long something will last, as one would say it. */
function lastsInWords(ms: number): string {
  if (ms < MINUTE_MS) return 'less than a minute'
  if (ms < 2 * HOUR_MS) return counted(Math.floor(ms / MINUTE_MS), 'minute')
  if (ms < 2 * DAY_MS) return counted(Math.floor(ms / HOUR_MS), 'hour')
  return counted(Math.floor(ms / DAY_MS), 'day')
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}
