import type { Redis } from 'ioredis'
import { applyEdit, type Edit, editSchema } from '../completions/edit.js'
import type { CompletionRequest, RequestPlace } from '../completions/request.js'
import type { QueueKeys } from '../redis/keys.js'
import type { Chunk, ChunkReader } from './input/chunks.js'
import type { RejectedLine } from './input/rejects.js'

/** Requests as they are to be called now, and those of them that no call can be made for. */
export interface RequestsAt {
  readonly requests: readonly CompletionRequest[]
  readonly rejects: ReadonlyArray<RejectedLine & { readonly generation: number }>
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
  const rejects: Array<RejectedLine & { generation: number }> = []
  let chunk: Chunk | undefined
  for (const { index, generation } of places) {
    if (chunk === undefined || index >= chunk.first + chunk.count) chunk = (await chunks.find(index))?.chunk
    const edit = edits.get(index)
    const found = chunk?.requests.find((request) => request.index === index)
    const reject = chunk?.rejects.find((rejected) => rejected.index === index)
    if (found !== undefined) {
      const body = edit === undefined ? found.body : applyEdit(found.body, edit)
      requests.push({ batch, generation, ...found, body })
    } else if (reject !== undefined && edit !== undefined && 'body' in edit) {
      const { line } = reject.problem
      requests.push({
        batch,
        index,
        generation,
        customId: reject.customId ?? `line-${line}`,
        line,
        body: edit.body,
      })
    } else if (reject !== undefined) rejects.push({ ...reject, generation })
  }
  return { requests, rejects }
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
