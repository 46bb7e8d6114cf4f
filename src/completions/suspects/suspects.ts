import type { HoldRequest, RefusedSize } from '../../admission/place-hold.js'
import type { SuspicionGate } from '../../admission/suspicion.js'
import type { Failure } from '../../conduit/outcome.js'
import { backoffMs } from '../backoff.js'
import type { CompletionRequest } from '../request.js'
import type { BalanceLook } from './balance.js'
import { judgeSuspect } from './judge.js'
import type { SuspectMark } from './mark.js'
import { sizeOf } from './size.js'
import { createSizesSeen } from './sizes-seen.js'
import { createSmallFirst } from './small-first.js'

/** Told of what was found out. */
export type SuspectEvent = 'suspected' | 'held' | 'unaffordable'

export interface SuspectsDeps {
  readonly gate: SuspicionGate
  /** Takes two seconds at most. */
  readonly balance: BalanceLook
  readonly now: () => number
  readonly random: () => number
  /** Permits are void, and whoever waits for one makes room when it is so large. */
  readonly recall: (fromSize: number) => void
  readonly onEvent: (event: SuspectEvent, request: CompletionRequest, epoch: number) => void
}

/**
 * What a 402 came to. `suspected`: the request is parked; `held`: the gate is; `stale`: it says nothing about now;
 * `unaffordable`: as large ones were found to be it, and others are answered.
 */
export type Refusal =
  | { readonly kind: 'suspected'; readonly delayMs: number; readonly mark: SuspectMark }
  | { readonly kind: 'held' }
  | { readonly kind: 'stale' }
  | { readonly kind: 'unaffordable'; readonly failure: Failure }

/** What becomes of a request that comes back from being parked. `go`: it is sent, with what is left of its mark. */
export type Return =
  | { readonly kind: 'go'; readonly mark: SuspectMark | null }
  | { readonly kind: 'wait'; readonly delayMs: number }
  | { readonly kind: 'held' }
  | { readonly kind: 'unaffordable'; readonly failure: Failure }

/** Requests that were refused with 402 though the account may not be empty. */
export interface Suspects {
  /** The request was answered: what is refused is compared with it. */
  answered(request: CompletionRequest): void
  /** For how long a request makes room for smaller ones, before it is sent; null: it need not. */
  putOffMs(request: CompletionRequest): number | null
  /** A call was refused with 402. @param hold the evidence, as it would be placed */
  refused(request: CompletionRequest, failure: Failure, hold: HoldRequest): Promise<Refusal>
  /** A suspect came back. */
  reconsider(request: CompletionRequest, mark: SuspectMark): Promise<Return>
}

/** A little longer than a look at the balance may take. */
const LOOK_MS = 2500
const PARKED = { backoffBaseMs: 1000, backoffCapMs: 5000 } as const
/** Suspects of a suspicion that is this old look more rarely: the probe takes its time. */
const SLOWER_AFTER_MS = 5000

export function createSuspects(deps: SuspectsDeps): Suspects {
  const { gate, onEvent } = deps
  const sizes = createSizesSeen()
  const smallFirst = createSmallFirst()
  const modelOf = ({ body }: CompletionRequest) => String(body.model ?? '')
  const isUsual = (request: CompletionRequest) => sizes.isUsual(modelOf(request), sizeOf(request.body))
  function refusedSize(request: CompletionRequest): RefusedSize {
    const [model, size] = [modelOf(request), sizeOf(request.body)]
    return sizes.isUsual(model, size) ? 'usual' : sizes.isFarLarger(model, size) ? 'far_larger' : 'unknown'
  }

  const parkedMs = (ageMs: number) =>
    backoffMs(1 + Math.floor(ageMs / SLOWER_AFTER_MS), null, PARKED, deps.random())

  /** Whether the queue is held for it now; not when it was cleared meanwhile. */
  async function confirm(request: CompletionRequest, epoch: number): Promise<boolean> {
    const placed = await gate.confirm(epoch)
    if (placed === 'placed') onEvent('held', request, epoch)
    // Of those who were suspected together, one confirms it for all.
    return placed !== 'stale' || (await gate.look(epoch)).kind === 'emptied'
  }

  /** Others of such a size would tell nothing: a smaller one is to be the probe. */
  function makeRoom(request: CompletionRequest): void {
    if (!isUsual(request)) deps.recall(smallFirst.suspected(sizeOf(request.body)))
  }

  /** What was found out of others spares the queue another suspicion. */
  async function isUnaffordable(request: CompletionRequest): Promise<boolean> {
    const [model, size] = [modelOf(request), sizeOf(request.body)]
    if (!sizes.isUnaffordable(model, size, 0, deps.now())) return false
    const balanceCents = await deps.balance.ask()
    if (balanceCents === null || balanceCents <= 0) return false
    return sizes.isUnaffordable(model, size, balanceCents, deps.now())
  }

  return {
    answered(request) {
      sizes.answered(modelOf(request), sizeOf(request.body), deps.now())
    },
    putOffMs: (request) => (isUsual(request) ? null : smallFirst.putOffMs(sizeOf(request.body))),
    async refused(request, failure, hold) {
      sizes.refused()
      if (await isUnaffordable(request)) {
        onEvent('unaffordable', request, hold.epoch ?? 0)
        return { kind: 'unaffordable', failure }
      }
      const lookMs = deps.balance.isKnown ? LOOK_MS : 0
      const found = await gate.suspect(hold, { size: refusedSize(request), lookMs })
      if (found === 'stale') return { kind: 'stale' }
      if (typeof found === 'string') return { kind: 'held' }
      const epoch = found.suspected
      onEvent('suspected', request, epoch)
      deps.recall(Number.POSITIVE_INFINITY)
      const balanceCents = await deps.balance.ask()
      const isEmpty = balanceCents !== null && balanceCents <= 0
      if (isEmpty && (await confirm(request, epoch))) return { kind: 'held' }
      makeRoom(request)
      await gate.probeNow(epoch)
      const times = (request.suspect?.times ?? 0) + 1
      const { maybeBilled: _, ...kept } = failure
      return { kind: 'suspected', delayMs: parkedMs(0), mark: { epoch, times, balanceCents, failure: kept } }
    },
    async reconsider(request, mark) {
      const { epoch } = mark
      const [suspicion, balanceCents] = await Promise.all([gate.look(epoch), deps.balance.ask()])
      const pending = suspicion.kind === 'pending' ? suspicion : { epoch, ageMs: 0 }
      const wait = { kind: 'wait', delayMs: parkedMs(pending.ageMs) } as const
      if (suspicion.kind !== 'pending') smallFirst.over()
      else if (!isUsual(request)) smallFirst.suspected(sizeOf(request.body))
      const outsized = sizes.isOutsized(modelOf(request), sizeOf(request.body), deps.now())
      switch (judgeSuspect({ suspicion, mark, balanceCents, usual: isUsual(request), outsized })) {
        case 'wait':
          return wait
        case 'again':
          return { kind: 'go', mark: suspicion.kind === 'cleared' ? mark : null }
        case 'empty':
          return (await confirm(request, pending.epoch)) ? { kind: 'held' } : wait
        case 'unaffordable':
          await gate.clear(pending.epoch)
          smallFirst.over()
          sizes.unaffordable(modelOf(request), sizeOf(request.body), mark.balanceCents)
          onEvent('unaffordable', request, epoch)
          return { kind: 'unaffordable', failure: mark.failure }
      }
    },
  }
}
