import type { Redis } from 'ioredis'
import type { Usage } from '../conduit/outcome.js'
import type { QueueKeys } from '../redis/keys.js'
import { loadScript, runScript } from '../redis/scripts.js'
import type { DeadLetter } from './dead-letters/dead-letter.js'
import type { RequestPlace } from './request.js'

const recordScript = loadScript(new URL('./record.lua', import.meta.url))
const verdictScript = loadScript(new URL('./verdict.lua', import.meta.url))

/** What a request ended in: a line for one of the two files, and a dead letter when it failed. */
export type Ending =
  | { readonly kind: 'completed'; readonly line: string; readonly usage: Usage }
  | { readonly kind: 'dead'; readonly line: string; readonly letter: DeadLetter }

export type Recorded = 'recorded' | 'already' | 'stale' | 'gone'

/** May this request be called? `done`: it was answered, or retried since; `stopped`: its batch does not run. */
export type Verdict = 'go' | 'done' | 'stopped'

/** An ending that was found on disk and that Redis does not know of: counted, and not written again. */
export interface EndingOnDisk {
  readonly kind: 'completed' | 'dead'
  readonly code: string
  readonly usage: Usage
}

const NO_USAGE: Usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }

function recordKeys(keys: QueueKeys, batch: string): string[] {
  const own = [keys.batch(batch), keys.done(batch), keys.generations(batch), keys.stream(batch)]
  return [...own, keys.drainingBatches, keys.edits(batch)]
}

/** Records an ending exactly once per request and generation, with or without the job's lock. */
export async function record(
  redis: Redis,
  keys: QueueKeys,
  place: RequestPlace,
  ending: Ending,
): Promise<Recorded> {
  const { batch, index, generation } = place
  const names = recordKeys(keys, batch)
  const letter = ending.kind === 'dead' ? ending.letter : null
  const usage = ending.kind === 'completed' ? ending.usage : NO_USAGE
  const reply = await runScript(redis, recordScript, names, [
    index,
    generation,
    ending.kind,
    ending.line,
    letter?.code ?? '',
    usage.prompt_tokens,
    usage.completion_tokens,
    usage.total_tokens,
    letter === null ? '' : JSON.stringify(letter),
    batch,
  ])
  return reply as Recorded
}

/** Like `record`, for a line that is in the batch's file already. */
export async function recordFromDisk(
  redis: Redis,
  keys: QueueKeys,
  place: RequestPlace,
  { kind, code, usage }: EndingOnDisk,
): Promise<Recorded> {
  const { batch, index, generation } = place
  const names = recordKeys(keys, batch)
  const tokens = [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens]
  return (await runScript(redis, recordScript, names, [
    index,
    generation,
    kind,
    '',
    code,
    ...tokens,
    '',
    batch,
  ])) as Recorded
}

/** One round trip before each call. */
export async function askVerdict(redis: Redis, keys: QueueKeys, place: RequestPlace): Promise<Verdict> {
  const names = [keys.batch(place.batch), keys.done(place.batch), keys.generations(place.batch)]
  return (await runScript(redis, verdictScript, names, [place.index, place.generation])) as Verdict
}
