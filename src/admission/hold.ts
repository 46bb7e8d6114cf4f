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

/**
 * From the first hold until the first success after it is lifted; failed probes belong to the same incident.
 * One alert, one all-clear.
 */
export interface Incident {
  readonly id: string
  readonly queue: string
  readonly reason: HoldReason
  readonly code: string
  readonly message: string
  readonly requestId: string | null
  readonly openedAt: number
  readonly liftedAt: number | null
  readonly liftedBy: LiftedBy | null
  readonly resolvedAt: number | null
  /** Probes that were refused after a lift, so the same incident went on. */
  readonly failedProbes: number
}
