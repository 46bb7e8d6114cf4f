import type { Redis } from 'ioredis'
import type { Usage } from '../conduit/outcome.js'
import type { QueueKeys } from '../redis/keys.js'
import { loadScript, runScript } from '../redis/scripts.js'
import type { DeadLetter } from './dead-letters/dead-letter.js'
import { COMPLETIONS } from './queues.js'
import type { RequestPlace } from './request.js'

const recordScript = loadScript(
  new URL('./record.lua', import.meta.url),
  new URL('./brake.lua', import.meta.url),
)
const verdictScript = loadScript(
  new URL('./verdict.lua', import.meta.url),
  new URL('../redis/run-id.lua', import.meta.url),
)

/** With so much in a batch's result stream no further call is made for it: its disk is slow, or full. */
const MOST_UNCOLLECTED = { bytes: 16_000_000, entries: 5_000 } as const

/** What was asked for, as far as it says what the next request like it will take. */
export interface Asked {
  readonly model: string
  /** Characters of the messages. */
  readonly chars: number
}

/** What a request ended in: a line for one of the two files, and a dead letter when it failed. */
export type Ending =
  | { readonly kind: 'completed'; readonly line: string; readonly usage: Usage; readonly asked: Asked }
  | { readonly kind: 'dead'; readonly line: string; readonly letter: DeadLetter }

export type Recorded = 'recorded' | 'already' | 'stale' | 'gone'

/**
 * May this request be called? `done`: it was answered, or retried since; `stopped`: its batch does not run; `lost`: its
 * job is not the asker's any more; `wait`: not before its files were compared with a Redis that was restarted, or before
 * more of its answers are in them.
 */
export type Verdict = 'go' | 'done' | 'stopped' | 'lost' | 'wait'

/** A request, and how its job is held, when it is somebody's job. */
export interface Run extends RequestPlace {
  /** That of its lock. */
  readonly token?: string
  /** How often the job was started, this time included: BullMQ uses tokens again. */
  readonly start?: number
}

/** An ending that was found on disk and that Redis does not know of: counted, and not written again. */
export interface EndingOnDisk {
  readonly kind: 'completed' | 'dead'
  readonly code: string
  readonly usage: Usage
}

const NO_USAGE: Usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }

const NOTHING_ASKED: Asked = { model: '', chars: 0 }

/** An ending and whose it is. */
export interface PlacedEnding {
  readonly place: RequestPlace
  readonly ending: Ending
}

/**
 * Records what calls for one batch ended in, each exactly once per request and generation, with or without its job's
 * lock; the brake counts them. Gives for each what became of it.
 */
export async function recordAll(
  redis: Redis,
  keys: QueueKeys,
  batch: string,
  endings: readonly PlacedEnding[],
): Promise<Recorded[]> {
  const args = endings.flatMap(({ place, ending }) => recordArguments(place, ending))
  return (await runScript(redis, recordScript, recordedIn(keys, batch), [
    batch,
    queueOf(keys),
    ...args,
  ])) as Recorded[]
}

/** Records one ending that no call was made for (a line that can't be sent), exactly once. */
export async function record(
  redis: Redis,
  keys: QueueKeys,
  place: RequestPlace,
  ending: Ending,
): Promise<Recorded> {
  const args = [place.batch, '', ...recordArguments(place, ending)]
  const [recorded] = (await runScript(redis, recordScript, recordedIn(keys, place.batch), args)) as Recorded[]
  return recorded as Recorded
}

/** Like `record`, for a line that is in the batch's file already. */
export async function recordFromDisk(
  redis: Redis,
  keys: QueueKeys,
  { batch, index, generation }: RequestPlace,
  { kind, code, usage }: EndingOnDisk,
): Promise<Recorded> {
  const args = [batch, '', index, generation, kind, '', code, ...tokensOf(usage), '', '', 0]
  const [recorded] = (await runScript(redis, recordScript, recordedIn(keys, batch), args)) as Recorded[]
  return recorded as Recorded
}

function recordArguments({ index, generation }: RequestPlace, ending: Ending): (string | number)[] {
  const letter = ending.kind === 'dead' ? ending.letter : null
  const usage = ending.kind === 'completed' ? ending.usage : NO_USAGE
  const letterJson = letter === null ? '' : JSON.stringify(letter)
  const { model, chars } = ending.kind === 'completed' ? ending.asked : NOTHING_ASKED
  const told = [index, generation, ending.kind, ending.line, letter?.code ?? '']
  return [...told, ...tokensOf(usage), letterJson, model, chars]
}

function tokensOf({ prompt_tokens, completion_tokens, total_tokens }: Usage): number[] {
  return [prompt_tokens, completion_tokens, total_tokens]
}

function recordedIn(keys: QueueKeys, batch: string): string[] {
  const marks = [keys.batch(batch), keys.done(batch), keys.generations(batch)]
  const sets = [keys.drainingBatches, keys.activeBatches, keys.outbox]
  return [...marks, keys.stream(batch), keys.edits(batch), ...sets, keys.usage]
}

/** The tag of a queue's keys is `{<prefix>:<queue>}`. */
function queueOf({ tag }: QueueKeys): string {
  return tag.slice(tag.indexOf(':') + 1, -1)
}

/** One round trip before calls of one batch; a verdict for each. */
export async function askVerdicts(
  redis: Redis,
  keys: QueueKeys,
  batch: string,
  runs: readonly Run[],
): Promise<Verdict[]> {
  const jobs = `${keys.bullPrefix}:${COMPLETIONS}:`
  const own = [keys.batch(batch), keys.done(batch), keys.generations(batch), keys.stream(batch)]
  const { bytes, entries } = MOST_UNCOLLECTED
  const args = runs.flatMap(({ index, generation, token = '', start = '' }) => [
    index,
    generation,
    token,
    start,
  ])
  return (await runScript(
    redis,
    verdictScript,
    [...own, jobs],
    [batch, bytes, entries, ...args],
  )) as Verdict[]
}
