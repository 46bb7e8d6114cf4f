import type { Redis } from 'ioredis'
import type { QueueKeys } from '../redis/keys.js'
import { loadScript, runScript } from '../redis/scripts.js'
import { type HoldRequest, type Placed, placeHold, type RefusedSize } from './place-hold.js'

const lookScript = loadScript(
  new URL('./look-suspicion.lua', import.meta.url),
  new URL('./suspicion.lua', import.meta.url),
)

/**
 * What has become of a suspicion. `pending`: nobody knows yet, it or (under its own `epoch`) a later one; `quietMs` since
 * anybody was there who could find out, `ageMs` since it began. `cleared`: another request was answered meanwhile; `emptied`: it became a hold; `void`:
 * something else stopped the queue, or Redis forgot, and nothing was found out.
 */
export type Suspicion =
  | { readonly kind: 'pending'; readonly epoch: number; readonly quietMs: number; readonly ageMs: number }
  | { readonly kind: 'cleared' | 'emptied' | 'void' }

/** A queue's suspicion: a 402 that may concern one request only. It is named by the gate epoch that it began. */
export interface SuspicionGate {
  /**
   * A call was refused with 402. No hold before and no probe out: a suspicion begins, and one call at a time goes. A
   * probe of a suspicion: it becomes a hold, unless the probe was not of a `usual` size, which the fifth such probe ends
   * too. Otherwise (other holds; a probe while an incident waits for a success, unless it is `far_larger` than
   * what was answered) it is a hold as ever.
   * @param lookMs for so long no probe goes, for a look at the balance (`probeNow` ends that)
   */
  suspect(
    request: HoldRequest,
    how: { readonly size: RefusedSize; readonly lookMs: number },
  ): Promise<Placed | { readonly suspected: number }>
  /** The balance was looked at: another request may go. */
  probeNow(epoch: number): Promise<void>
  /** The account is empty: the suspicion becomes a hold on its first evidence. `stale`: it is over already. */
  confirm(epoch: number): Promise<Placed>
  /** It is the request, and nobody else is there to show it: the gate opens. */
  clear(epoch: number): Promise<void>
  look(epoch: number): Promise<Suspicion>
}

/** A suspicion has its own. */
const NO_EVIDENCE = {
  reason: 'credits',
  by: '',
  code: '',
  message: '',
  requestId: null,
  keyFingerprint: null,
  retryAfterMs: 0,
} as const

/** @param queue name of the queue, told in incidents */
export function createSuspicionGate(redis: Redis, keys: QueueKeys, queue: string): SuspicionGate {
  const run = (action: 'look' | 'probe' | 'clear', epoch: number) =>
    runScript(redis, lookScript, [keys.gate], [action, epoch]) as Promise<
      [Suspicion['kind'], number, number, number]
    >
  return {
    suspect: (request, how) => placeHold(redis, keys, queue, request, { kind: 'suspect', ...how }),
    async confirm(epoch) {
      const placed = await placeHold(redis, keys, queue, { ...NO_EVIDENCE, epoch }, { kind: 'confirm' })
      return typeof placed === 'string' ? placed : 'stale'
    },
    async probeNow(epoch) {
      await run('probe', epoch)
    },
    async clear(epoch) {
      await run('clear', epoch)
    },
    async look(epoch) {
      const [kind, quietMs, ageMs, pending] = await run('look', epoch)
      return kind === 'pending' ? { kind, epoch: pending, quietMs, ageMs } : { kind }
    },
  }
}
