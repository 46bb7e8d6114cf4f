/** Why a gate is held. `person` and `storage` do not come from Conduit; the rest are what its envelopes mean. */
export const HOLD_REASONS = [
  'credentials',
  'credits',
  'spending_limit',
  'daily_quota',
  'person',
  'storage',
] as const

export type HoldReason = (typeof HOLD_REASONS)[number]

/** One reason for which a gate is held, with the evidence it was placed on. Times are Unix milliseconds (Redis time). */
export interface Hold {
  readonly reason: HoldReason
  readonly since: number
  /** Who placed it: a worker's name, or the user who typed `pause`. */
  readonly by: string
  readonly code: string
  readonly message: string
  readonly requestId: string | null
  /** When it lifts by itself, for the reasons that time alone can end; null when only a person can. */
  readonly until: number | null
  /** Fingerprint of the API key that was refused, never the key. */
  readonly keyFingerprint: string | null
}

/** What lifted the last hold. */
export type LiftedBy = 'person' | 'new_key' | 'time' | 'credits_seen' | 'room'

/** A hold that belonged to an incident: its first one, a failed probe, or another reason. Times are Unix milliseconds. */
export interface IncidentHold {
  readonly reason: HoldReason
  readonly code: string
  readonly message: string
  readonly requestId: string | null
  /** As in `Hold`. */
  readonly by: string
  readonly since: number
  /** Null while it is there. */
  readonly liftedAt: number | null
  readonly liftedBy: LiftedBy | null
  /** The user who typed `resume`; null for whatever else lifted it. */
  readonly liftedWho: string | null
}

/**
 * From the first hold until the first success after the last one is lifted, or until nothing waits any more; failed
 * probes belong to the same incident. One alert, reminders, one all-clear. Times are Unix milliseconds (Redis time).
 */
export interface Incident {
  readonly id: string
  readonly queue: string
  /** Of the hold that opened it, as the next three. */
  readonly reason: HoldReason
  readonly code: string
  readonly message: string
  readonly requestId: string | null
  readonly openedAt: number
  /** When the last of its holds was lifted; null while one is there. */
  readonly liftedAt: number | null
  readonly liftedBy: LiftedBy | null
  readonly resolvedAt: number | null
  /** A call succeeded, or nothing waited any more that could be called. */
  readonly resolvedBy: 'success' | 'nothing_waits' | null
  /** Probes that were refused after a lift, so the same incident went on. */
  readonly failedProbes: number
  /** In their order; of more than 100 the first and the last ones. */
  readonly holds: readonly IncidentHold[]
  /** Requests that had not ended when its alert was made, and about what they will cost; null: not told yet, or unknown. */
  readonly waiting: number | null
  readonly costToFinishCents: number | null
  /** How many were told so far, when the last one was, and from when on they count. */
  readonly reminders: number
  readonly remindedAt: number | null
  readonly remindersFrom: number
}
