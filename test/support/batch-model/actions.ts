import fc from 'fast-check'
import type { CrashPoint } from './crashing-redis.js'

/** What can happen to a batch, in any order. `pick` chooses among what there is to choose from. */
export type Action =
  | { readonly kind: 'feed' | 'collect' | 'settle_end'; readonly crash: CrashPoint | null }
  /** A worker takes a job, asks, and calls. */
  | { readonly kind: 'call'; readonly pick: number }
  /** A call ends: with an answer, or for good without one. `again`: it is recorded twice. */
  | {
      readonly kind: 'answer' | 'die'
      readonly pick: number
      readonly again: boolean
      readonly jobStays: boolean
    }
  /** Workers take what there is, and answer all but each so-and-so-many-th. */
  | { readonly kind: 'work'; readonly failing: number }
  /** An ending is recorded once more, long after. */
  | { readonly kind: 'late'; readonly pick: number }
  /** All workers die: their calls are lost, their jobs are given back. */
  | { readonly kind: 'workers_die' }
  /** The process with the files dies; what it wrote last and was not synced may be torn. */
  | { readonly kind: 'crash'; readonly torn: number }
  | { readonly kind: 'redrive'; readonly most: number }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'reopen' }
  /** All this happens, and then Redis comes back as it was before it. */
  | { readonly kind: 'redis_forgets'; readonly actions: readonly Action[] }
  /** So much time passes that what stands still is looked at. */
  | { readonly kind: 'wait' }

const crash = fc.option(fc.record({ commands: fc.integer({ min: 1, max: 12 }), carriedOut: fc.boolean() }), {
  freq: 3,
})
const pick = fc.nat(100)
const of = <K extends Action['kind']>(...kinds: K[]) => fc.constantFrom(...kinds)

/** Those that move a batch on are more frequent than those that hinder it. */
const simple: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: of('feed', 'collect', 'collect', 'settle_end'), crash }) },
  { weight: 6, arbitrary: fc.record({ kind: of('call'), pick }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: of('answer', 'die'), pick, again: fc.boolean(), jobStays: fc.boolean() }),
  },
  { weight: 4, arbitrary: fc.record({ kind: of('work'), failing: fc.integer({ min: 2, max: 7 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: of('late'), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: of('crash'), torn: fc.nat(400) }) },
  { weight: 2, arbitrary: fc.record({ kind: of('redrive'), most: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: of('workers_die', 'cancel', 'reopen', 'wait') }) },
)

/** An action. */
export const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 12, arbitrary: simple },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: of('redis_forgets'),
      actions: fc.array(simple, { minLength: 2, maxLength: 8, size: 'max' }),
    }),
  },
)
