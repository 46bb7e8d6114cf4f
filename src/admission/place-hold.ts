import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { QueueKeys } from '../redis/keys.js'
import { runScript } from '../redis/scripts.js'
import type { HoldReason } from './hold.js'
import { incidentKeys, loadIncidentScript } from './incidents.js'

const holdScript = loadIncidentScript(
  new URL('./hold.lua', import.meta.url),
  new URL('./place-hold.lua', import.meta.url),
  new URL('./suspicion.lua', import.meta.url),
)

/** The evidence a hold is placed on. */
export interface HoldRequest {
  readonly reason: HoldReason
  readonly by: string
  readonly code: string
  readonly message: string
  readonly requestId: string | null
  readonly keyFingerprint: string | null
  /** Epoch of the permit the refused call went out on; null when a person holds. */
  readonly epoch: number | null
  /** Conduit's Retry-After, 0 when it gave none. */
  readonly retryAfterMs: number
  /** For `storage`: who has no room (a data directory's id, or `redis`). It lifts when none of them is left. */
  readonly noRoom?: string
}

/**
 * `stale`: the call was sent before the last opening, so it says nothing about now and nothing changed; `joined`: it
 * was held for this reason already.
 */
export type Placed = 'placed' | 'joined' | 'stale'

/** Of a refused request: as large ones of its model were answered, none but far smaller ones were, or neither. */
export type RefusedSize = 'usual' | 'far_larger' | 'unknown'

/** How sure it is: `confirm` makes the suspicion of the request's epoch a hold, on the evidence that it began with. */
export type HoldMode =
  | { readonly kind: 'plain' }
  | { readonly kind: 'confirm' }
  /**
   * The request may be to blame, and not the account.
   * `lookMs`: for a look at the balance, before a probe goes.
   */
  | { readonly kind: 'suspect'; readonly size: RefusedSize; readonly lookMs: number }

/** Runs the hold script; with `suspect` the reply may be a suspicion, named by its epoch. */
export async function placeHold(
  redis: Redis,
  keys: QueueKeys,
  queue: string,
  request: HoldRequest,
  mode: HoldMode,
): Promise<Placed | { readonly suspected: number }> {
  const { epoch, retryAfterMs, noRoom = '', ...evidence } = request
  // A person who pauses knows of it: nobody needs to be told.
  const incidentId = request.reason === 'person' ? '' : `i-${randomUUID()}`
  const hold = JSON.stringify({ queue, ...evidence })
  const reply = await runScript(
    redis,
    holdScript,
    [keys.gate, ...incidentKeys(keys)],
    [hold, epoch ?? '', incidentId, retryAfterMs, noRoom, ...modeArguments(mode)],
  )
  return Array.isArray(reply) ? { suspected: reply[1] as number } : (reply as Placed)
}

function modeArguments(mode: HoldMode): (string | number)[] {
  switch (mode.kind) {
    case 'plain':
      return ['', '', 0]
    case 'confirm':
      return ['confirm', '', 0]
    case 'suspect':
      return ['suspect', mode.size === 'unknown' ? '' : mode.size, mode.lookMs]
  }
}
