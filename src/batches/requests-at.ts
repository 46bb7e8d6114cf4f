import type { Redis } from 'ioredis'
import { applyEdit, type Edit, editSchema, InvalidEdit } from '../completions/edit.js'
import type { CompletionRequest, RequestPlace } from '../completions/request.js'
import type { QueueKeys } from '../redis/keys.js'
import type { Chunk, ChunkReader } from './input/chunks.js'
import type { LineProblem } from './input/line-problem.js'

/** A request that no call can be made for, and why. */
export interface Unsendable {
  readonly index: number
  readonly generation: number
  readonly customId: string | null
  readonly problem: Pick<LineProblem, 'message' | 'param'> & {
    readonly code: string
    readonly line: number | null
  }
  /** Not the fault of its line: without the edit, or with the input back, it can be sent. */
  readonly sendable: boolean
}

/** Requests as they are to be called now, and those of them that no call can be made for. */
export interface RequestsAt {
  readonly requests: readonly CompletionRequest[]
  readonly unsendable: readonly Unsendable[]
}

/**
 * Reads requests of one batch from its input, with what a retry changed in them.
 * @param places in the order of their indexes, so that each chunk is read once
 * @throws InputChanged, InputUnreadable, StagingDamaged
 */
export async function requestsAt(
  batch: string,
  places: readonly RequestPlace[],
  chunks: ChunkReader,
  { redis, keys }: { readonly redis: Redis; readonly keys: QueueKeys },
): Promise<RequestsAt> {
  const edits = await readEdits(batch, places, redis, keys)
  const requests: CompletionRequest[] = []
  const unsendable: Unsendable[] = []
  let chunk: Chunk | undefined
  for (const { index, generation } of places) {
    if (chunk === undefined || index >= chunk.first + chunk.count) chunk = (await chunks.find(index))?.chunk
    if (chunk === undefined) continue
    const made = edited(chunk, { batch, index, generation }, edits.get(index) ?? null)
    if (made !== null && 'problem' in made) unsendable.push(made)
    else if (made !== null) requests.push(made)
  }
  return { requests, unsendable }
}

/** Null when the chunk does not hold it. */
function edited(
  { requests, rejects }: Chunk,
  place: RequestPlace,
  edit: Edit | null,
): CompletionRequest | Unsendable | null {
  const { index, generation } = place
  const reject = rejects.find((rejected) => rejected.index === index)
  if (reject !== undefined) {
    const { customId, problem } = reject
    const body = edit !== null && 'body' in edit ? edit.body : null
    if (body === null) return { index, generation, customId, problem, sendable: false }
    return { ...place, customId: customId ?? `line-${problem.line}`, line: problem.line, body }
  }
  const found = requests.find((request) => request.index === index)
  if (found === undefined) return null
  try {
    const { customId, line, body } = found
    return { ...place, customId, line, body: edit === null ? body : applyEdit(body, edit) }
  } catch (error) {
    if (!(error instanceof InvalidEdit)) throw error
    const { code, message } = error
    const { customId, line } = found
    return { index, generation, customId, problem: { code, message, param: null, line }, sendable: true }
  }
}

async function readEdits(
  batch: string,
  places: readonly RequestPlace[],
  redis: Redis,
  keys: QueueKeys,
): Promise<Map<number, Edit>> {
  const edits = new Map<number, Edit>()
  // Only what was retried can have been edited.
  const retried = places.filter(({ generation }) => generation > 0)
  if (retried.length === 0) return edits
  const raw = await redis.hmget(keys.edits(batch), ...retried.map(({ index }) => String(index)))
  for (const [i, { index }] of retried.entries()) {
    const edit = raw[i]
    if (edit !== null && edit !== undefined) edits.set(index, editSchema.parse(JSON.parse(edit)))
  }
  return edits
}
