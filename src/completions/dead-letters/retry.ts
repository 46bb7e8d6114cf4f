import type { QueueKeys } from '../../redis/keys.js'
import { loadScript, runScript } from '../../redis/scripts.js'
import { customIdKey } from '../custom-id-key.js'
import { applyEdit, composeEdits, type Edit, InvalidEdit } from '../edit.js'
import { INBOX_BATCH } from '../request.js'
import type { EarlierEnd, StoredDeadLetter } from './dead-letter.js'
import { type DeadLetterDeps, indexNames, portionsOf } from './filing.js'
import { getLetters } from './letters.js'

const retryScript = loadScript(
  new URL('./retry.lua', import.meta.url),
  new URL('./take-out.lua', import.meta.url),
)

/**
 * Why a letter is not retried: its batch was ended early, is gone, no call can be made of it with this edit, or it
 * is no dead letter (any more).
 */
export type Refusal = 'ended' | 'gone' | 'not_sendable' | 'not_there'

export interface RetryResult {
  readonly retried: number
  readonly refused: readonly RefusedLetter[]
}

export interface RefusedLetter {
  readonly id: string
  readonly why: Refusal
}

/** Earlier ends that are kept of a request. */
const KEPT_ENDS = 20

/** What to change in the body of each letter; null: nothing. */
export type EditsById = ReadonlyMap<string, Edit | null>

/** A letter, the edit that was given for it, and the one that its request carries from now on (null: none). */
interface Sendable {
  readonly letter: StoredDeadLetter
  readonly given: Edit | null
  readonly edit: Edit | null
}

/** Gives letters back to their batches, in portions; each portion of a batch at once or not at all. */
export async function retry(edits: EditsById, deps: DeadLetterDeps): Promise<RetryResult> {
  const refused: RefusedLetter[] = []
  for (const portion of portionsOf([...edits.keys()])) {
    refused.push(...(await retryPortion(portion, edits, deps)))
  }
  return { retried: edits.size - refused.length, refused }
}

async function retryPortion(
  ids: readonly string[],
  edits: EditsById,
  deps: DeadLetterDeps,
): Promise<RefusedLetter[]> {
  const letters = await getLetters(ids, deps)
  const there = new Set(letters.map(({ id }) => id))
  const refused: RefusedLetter[] = ids.filter((id) => !there.has(id)).map((id) => ({ id, why: 'not_there' }))
  const sendable: Sendable[] = []
  for (const letter of letters) {
    const given = edits.get(letter.id) ?? null
    const made = editFor(letter, given)
    if (made === 'not_sendable') refused.push({ id: letter.id, why: made })
    else sendable.push({ letter, given, edit: made })
  }
  for (const own of byBatch(sendable)) {
    for (const [i, reply] of (await giveBack(own, deps)).entries()) {
      const { letter } = own[i] as Sendable
      if (reply !== 'retried') refused.push({ id: letter.id, why: reply })
    }
  }
  return refused
}

/** What has to be changed in the request, all edits so far included. */
function editFor(letter: StoredDeadLetter, edit: Edit | null): Edit | null | 'not_sendable' {
  const isWhole = edit !== null && 'body' in edit
  if (!letter.sendable && !isWhole) return 'not_sendable'
  try {
    // Without an input file this is the only place of its body.
    if (letter.body !== null) return { body: edit === null ? letter.body : applyEdit(letter.body, edit) }
    return edit === null ? null : composeEdits(letter.edit, edit)
  } catch (error) {
    if (error instanceof InvalidEdit) return 'not_sendable'
    throw error
  }
}

function byBatch(sendable: readonly Sendable[]): Sendable[][] {
  const batches = new Map<string, Sendable[]>()
  for (const one of sendable) {
    const own = batches.get(one.letter.batch)
    if (own === undefined) batches.set(one.letter.batch, [one])
    else own.push(one)
  }
  return [...batches.values()]
}

/** One script for up to one portion of letters of one batch. */
async function giveBack(
  sendable: readonly Sendable[],
  { redis, keys }: DeadLetterDeps,
): Promise<('retried' | Refusal)[]> {
  const batch = sendable[0]?.letter.batch ?? ''
  const own = [keys.batch(batch), keys.done(batch), keys.generations(batch)]
  const names = [
    ...indexNames(keys),
    ...own,
    keys.retries(batch),
    keys.edits(batch),
    keys.history(batch),
    keys.activeBatches,
    keys.gate,
    ...(batch === INBOX_BATCH ? sendable.flatMap(({ letter }) => singleRequest(letter, keys)) : []),
  ]
  const args = sendable.flatMap(({ letter, given, edit }) => [
    letter.id,
    letter.index,
    letter.generation,
    letter.code,
    edit === null ? '' : JSON.stringify(edit),
    JSON.stringify(endOf(letter, given)),
    letter.customId ?? '',
  ])
  return (await runScript(redis, retryScript, names, [batch, KEPT_ENDS, ...args])) as ('retried' | Refusal)[]
}

/** Where the answer to a single request is kept, and what its custom id means. */
function singleRequest({ index, customId }: StoredDeadLetter, keys: QueueKeys): [string, string] {
  return [keys.inbox.request(index), customIdKey(keys, customId ?? '')]
}

/** What is remembered of a letter that is retried; never a body. */
function endOf(letter: StoredDeadLetter, edit: Edit | null): EarlierEnd {
  const { at, code, failure, generation, attempts, customId, line, limits } = letter
  const { status, message, requestId } = failure
  const edited = edit === null ? [] : 'body' in edit ? ['body'] : Object.keys(edit.set)
  const end = { at, status, code, message, requestId, generation, attempts, edited, customId, line }
  return limits === undefined ? end : { ...end, limits }
}
