import type { Redis } from 'ioredis'
import { incidentKeys, loadIncidentScript } from '../admission/incidents.js'
import type { Counter } from '../completions/handle-deps.js'
import { type BatchOptions, batchOptionsSchema, INBOX_BATCH } from '../completions/request.js'
import { UNFINISHED_CODES } from '../completions/unfinished.js'
import type { QueueKeys } from '../redis/keys.js'
import { loadScript, runScript } from '../redis/scripts.js'
import { createEndEarly, type EndEarly } from './ending/end-early.js'
import type { Manifest } from './manifest.js'
import type { BatchState, EndingState, OverState } from './states.js'

const registerScript = loadScript(new URL('./register.lua', import.meta.url))
const advanceScript = loadScript(
  new URL('./advance.lua', import.meta.url),
  new URL('../redis/run-id.lua', import.meta.url),
)
const reopenScript = loadScript(new URL('./reopen.lua', import.meta.url))
const drainedScript = loadScript(new URL('./drained.lua', import.meta.url))
const configureScript = loadScript(new URL('./ending/configure.lua', import.meta.url))
const endScript = loadIncidentScript(new URL('./end.lua', import.meta.url))

/** The durable marks of a batch: what was fed, and what of its answers is on disk. */
export interface BatchMarks {
  readonly state: BatchState
  readonly total: number
  /** Requests handed to BullMQ so far, rejects included. */
  readonly fed: number
  /** Bytes of these lines, and characters of their prompts: what the others will cost is told from them. */
  readonly fedBytes: number
  readonly fedChars: number
  /** Of those, requests that can be sent and came with no end from an earlier file: moved in the same step. */
  readonly fedRequests: number
  /** Its budgets; null: none. */
  readonly maxRequests: number | null
  readonly maxCostCents: number | null
  /** Byte offset in `chunks.jsonl` of the next chunk to feed. */
  readonly cursor: number
  readonly completed: number
  readonly failed: number
  /** Length of the two files up to which they are checkpointed. */
  readonly resultsBytes: number
  readonly errorsBytes: number
  /** Lines on disk. */
  readonly collected: number
  /** Which files these are: `revisionPaths`. */
  readonly revision: number
  /** Dead letters that were retried: each leaves a line in the errors file that counts no more. */
  readonly superseded: number
  /** How many of those lines the present revision is free of. */
  readonly filtered: number
  /** Of the failed, requests that ended only because their batch was ended early. */
  readonly unfinished: number
  /** The revision whose errors file lists such requests that are being opened again, and how far; null: none. */
  readonly reopening: number | null
  readonly reopenedTo: number
}

/** Another process has taken over the directory: the caller stops what it was doing there. */
export class LeaseLost extends Error {
  readonly code = 'lease_lost'
}

/** What a holder of the lease on a data directory knows of it. */
export interface HeldLease {
  /** The lease as the scripts compare it; '' when not held. */
  readonly leaseToken: () => string
  /** Confirmed so recently that nobody can have taken over (`DirectoryLease.isSure`). */
  readonly leaseIsSure: () => boolean
}

/** What work on files was begun under: for good, since whoever loses either may find other files, or an older Redis. */
export interface Pinned {
  readonly lease: string
  /** Of Redis (`readRunId`). */
  readonly run: string
}

/**
 * For steps that no script can fence, right before each: false hope only for the moment between this and the step.
 * @param lease the one that the caller began under; whatever this process holds now when not given
 * @throws LeaseLost
 */
export function assertSure({ leaseToken, leaseIsSure }: HeldLease, lease = leaseToken()): void {
  if (leaseToken() !== lease || !leaseIsSure())
    throw new LeaseLost('the lease on the data directory was not confirmed for too long')
}

/** Redis was restarted, and may have lost what a batch's files hold: they have to be compared with it anew. */
export class RedisRestarted extends Error {
  readonly code = 'redis_restarted'
}

/** The stream position up to which lines are on disk, and the bytes of these entries. */
export interface CollectedTo {
  readonly id: string
  readonly bytes: number
}

export interface RegisterOptions {
  readonly ending?: EndingState | null
  readonly unchecked?: boolean
}

/** What Redis holds of the batches of a queue. */
export interface BatchStore extends EndEarly {
  /**
   * @param options `ending`: how one was being ended that Redis has lost; null: it is to run. `unchecked`: no call is
   * made before its files were compared with this Redis (`openCollector`)
   */
  register(manifest: Manifest, directoryId: string, options?: RegisterOptions): Promise<BatchState>
  /** What the command says that works on a batch now; its completion window counts from when it was made. */
  configure(batch: string, options: BatchOptions): Promise<void>
  /** Active batches of one data directory, oldest first. */
  active(directoryId: string): Promise<string[]>
  /** Batches of one data directory that were ended early and may still get answers of calls in flight. */
  draining(directoryId: string): Promise<string[]>
  /** Takes a batch from those, unless its stream holds something. */
  drained(batch: string): Promise<boolean>
  /** Takes a batch from those that nobody can drain; what its stream holds stays there. */
  forsake(batch: string): Promise<void>
  /** Results that are not in files yet, and retries that are not fed yet. */
  pending(batch: string): Promise<number>
  marks(batch: string): Promise<BatchMarks | null>
  options(batch: string): Promise<BatchOptions>
  /** The options of the command that works on the batch now. */
  setOptions(batch: string, options: BatchOptions): Promise<void>
  /** Requests of one batch that have not ended; else of all active ones of the queue, and single ones. */
  waiting(batch?: string): Promise<number>
  /**
   * Moves marks forward.
   * @param run of Redis, that the batch's files were compared with; '' when that does not matter
   * @throws LeaseLost, RedisRestarted
   */
  advance(
    batch: string,
    directoryId: string,
    lease: string,
    marks: Partial<BatchMarks> & { readonly checkedRun?: string },
    collectedTo?: CollectedTo | null,
    run?: string,
  ): Promise<void>
  /**
   * Ends a batch: it takes no more calls. One that `stopped` or was `replaced` is drained first. As `completed`,
   * `cancelled` or `expired` only while nothing of it is open; false then, and when no way leads there from its state.
   */
  end(batch: string, state: OverState, reason: string): Promise<boolean>
  /**
   * Lets a batch that was ended early run again. `over`: its completion window is, so it stays expired; `gone`: it is
   * just being purged, or is gone.
   */
  reopen(batch: string): Promise<'running' | 'over' | 'gone'>
  count(batch: string, counter: Counter): Promise<void>
}

/** The state of batches in Redis, under the keys of one queue. */
export function createBatchStore(redis: Redis, keys: QueueKeys): BatchStore {
  async function inDirectory(set: string, directoryId: string): Promise<string[]> {
    const batches = (await redis.smembers(set)).sort()
    const owners = await Promise.all(batches.map((batch) => redis.hget(keys.batch(batch), 'directory')))
    return batches.filter((_, i) => owners[i] === directoryId)
  }

  return {
    ...createEndEarly(redis, keys),
    async register(manifest, directoryId, { ending = null, unchecked = false } = {}) {
      const { batch, total, options, createdAt } = manifest
      const names = [keys.batch(batch), keys.activeBatches, keys.gate]
      const made = [batch, directoryId, total, JSON.stringify(manifest), JSON.stringify(options)]
      // Its age, not its date: the clock of Redis may be another.
      const ageMs = Math.max(0, Date.now() - createdAt)
      const args = [
        ...made,
        ageMs,
        ...windowAndBrake(options),
        ending ?? 'running',
        unchecked ? '-' : '',
        ...budgets(options),
      ]
      return (await runScript(redis, registerScript, names, args)) as BatchState
    },
    async configure(batch, options) {
      const args = [...windowAndBrake(options), JSON.stringify(options), ...budgets(options)]
      await runScript(redis, configureScript, [keys.batch(batch)], args)
    },
    active: (directoryId) => inDirectory(keys.activeBatches, directoryId),
    draining: (directoryId) => inDirectory(keys.drainingBatches, directoryId),
    async drained(batch) {
      const names = [keys.drainingBatches, keys.stream(batch)]
      return (await runScript(redis, drainedScript, names, [batch])) === 1
    },
    async forsake(batch) {
      await redis.srem(keys.drainingBatches, batch)
    },
    async pending(batch) {
      const [results, retries] = await Promise.all([
        redis.xlen(keys.stream(batch)),
        redis.zcard(keys.retries(batch)),
      ])
      return results + retries
    },
    async marks(batch) {
      const fields = await redis.hgetall(keys.batch(batch))
      if (fields.state === undefined) return null
      const number = (name: string) => Number(fields[name] ?? 0)
      return {
        state: fields.state as BatchState,
        total: number('total'),
        fed: number('fed'),
        fedBytes: number('fedBytes'),
        fedChars: number('fedChars'),
        fedRequests: number('fedRequests'),
        maxRequests: fields.maxRequests === undefined ? null : number('maxRequests'),
        maxCostCents: fields.maxCostCents === undefined ? null : number('maxCostCents'),
        cursor: number('cursor'),
        completed: number('completed'),
        failed: number('failed'),
        resultsBytes: number('resultsBytes'),
        errorsBytes: number('errorsBytes'),
        collected: number('collected'),
        revision: number('revision'),
        superseded: number('superseded'),
        filtered: number('filtered'),
        unfinished: UNFINISHED_CODES.reduce((sum, code) => sum + number(`failed:${code}`), 0),
        reopening: fields.reopening === undefined ? null : number('reopening'),
        reopenedTo: number('reopenedTo'),
      }
    },
    async options(batch) {
      const raw = await redis.hget(keys.batch(batch), 'options')
      return batchOptionsSchema.parse(JSON.parse(raw ?? 'null'))
    },
    async setOptions(batch, options) {
      await redis.hset(keys.batch(batch), 'options', JSON.stringify(options))
    },
    async waiting(batch) {
      const open =
        batch === undefined ? [...(await redis.smembers(keys.activeBatches)), INBOX_BATCH] : [batch]
      const counts = await Promise.all(
        open.map((batch) => redis.hmget(keys.batch(batch), 'total', 'completed', 'failed')),
      )
      return counts.reduce((sum, [total, ...ended]) => {
        return sum + Number(total ?? 0) - ended.reduce((done, count) => done + Number(count ?? 0), 0)
      }, 0)
    },
    async advance(batch, directoryId, lease, marks, collectedTo = null, run = '') {
      const names = [keys.lease(directoryId), keys.batch(batch), keys.stream(batch)]
      const fields = Object.entries(marks).flatMap(([name, value]) => [name, String(value)])
      const args = [lease, run, collectedTo?.id ?? '', collectedTo?.bytes ?? 0, ...fields]
      const reply = await runScript(redis, advanceScript, names, args)
      if (reply === 2) throw new RedisRestarted(`Redis was restarted under batch ${batch}`)
      if (reply !== 1) throw new LeaseLost(`another process has taken over batch ${batch}`)
    },
    async end(batch, state, reason) {
      const own = [keys.batch(batch), keys.activeBatches, keys.stream(batch), keys.retries(batch)]
      const names = [...own, keys.drainingBatches, keys.gate, ...incidentKeys(keys)]
      return (await runScript(redis, endScript, names, [batch, state, reason])) === 1
    },
    async reopen(batch) {
      const names = [keys.batch(batch), keys.activeBatches, keys.drainingBatches]
      return (await runScript(redis, reopenScript, names, [batch])) as 'running' | 'over' | 'gone'
    },
    async count(batch, counter) {
      await redis.hincrby(keys.batch(batch), counter, 1)
    },
  }
}

/** As the scripts take them: milliseconds ('' none), and '1' with the brake. */
function windowAndBrake({ completionWindowMs, brake = true }: BatchOptions): (string | number)[] {
  return [completionWindowMs ?? '', brake ? '1' : '0']
}

/** As the scripts take them, '' none: requests, and cents. */
function budgets({ maxRequests, maxCostCents }: BatchOptions): (string | number)[] {
  return [maxRequests ?? '', maxCostCents ?? '']
}
