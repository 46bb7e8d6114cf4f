import type { StoredDeadLetter } from '../completions/dead-letters/dead-letter.js'
import { INBOX_BATCH, jobId, type RequestPlace } from '../completions/request.js'
import type { DataDirectory } from './data-directory.js'
import { type ChunkReader, openChunks } from './input/chunks.js'
import { InputChanged, InputUnreadable, StagingDamaged } from './input/input-errors.js'
import type { Manifest } from './manifest.js'
import { requestsAt } from './requests-at.js'
import type { Session } from './session.js'

/** The body of a request as it would be sent now, what retries changed included; or why it can't be had. */
export type ReadRequest =
  | { readonly kind: 'there'; readonly body: Readonly<Record<string, unknown>> }
  | {
      readonly kind: 'missing'
      readonly reason: string
      /** Its input is to be had here, but is not what it was, or is gone: a retry would come to nothing. */
      readonly inputLost?: true
    }

/** Reads the requests of dead letters again. It keeps inputs open until it is closed. */
export interface RequestReader {
  /** One for each letter, in their order. @throws Redis's errors */
  read(letters: readonly StoredDeadLetter[]): Promise<ReadRequest[]>
  /** Where a letter's request was read from; null when this data directory does not know its batch. */
  manifest(batch: string): Promise<Manifest | null>
  close(): Promise<void>
}

interface OpenInput {
  readonly manifest: Manifest | null
  readonly chunks: ChunkReader | null
  /** Why there are no chunks. */
  readonly reason: string
  readonly inputLost: boolean
}

/** @param directory where inputs are looked for; null when there is none */
export function createRequestReader(session: Session, directory: DataDirectory | null): RequestReader {
  const inputs = new Map<string, Promise<OpenInput>>()

  function inputOf(batch: string): Promise<OpenInput> {
    const known = inputs.get(batch)
    if (known !== undefined) return known
    const opened = openInput(batch, session, directory)
    inputs.set(batch, opened)
    return opened
  }

  async function readBatch(
    batch: string,
    places: readonly RequestPlace[],
  ): Promise<Map<string, ReadRequest>> {
    const { chunks, reason, inputLost } = await inputOf(batch)
    if (chunks === null) return missing(places, reason, inputLost)
    const inOrder = [...places].sort((a, b) => a.index - b.index)
    try {
      const { requests, unsendable } = await requestsAt(batch, inOrder, chunks, session)
      const read = new Map<string, ReadRequest>()
      for (const { index, generation, problem } of unsendable) {
        const reason = `line ${problem.line} of the input is no request that can be sent: ${problem.message}`
        read.set(jobId({ batch, index, generation }), { kind: 'missing', reason })
      }
      for (const request of requests) read.set(jobId(request), { kind: 'there', body: request.body })
      return read
    } catch (error) {
      if (!isInputTrouble(error)) throw error
      if (places.length === 1) return missing(places, error.message, true)
      // What is wrong with one part of the input says nothing of the others.
      const middle = inOrder.length >> 1
      const first = await readBatch(batch, inOrder.slice(0, middle))
      return new Map([...first, ...(await readBatch(batch, inOrder.slice(middle)))])
    }
  }

  return {
    async read(letters) {
      const own = letters.filter(({ body }) => body === null)
      const read = new Map<string, ReadRequest>()
      for (const [batch, places] of byBatch(own)) {
        for (const [id, request] of await readBatch(batch, places)) read.set(id, request)
      }
      const lost: ReadRequest = { kind: 'missing', reason: 'its input does not hold it' }
      return letters.map(({ body, id }) => (body === null ? (read.get(id) ?? lost) : { kind: 'there', body }))
    },
    manifest: async (batch) => (await inputOf(batch)).manifest,
    async close() {
      for (const input of inputs.values()) await (await input).chunks?.close()
      inputs.clear()
    },
  }
}

async function openInput(
  batch: string,
  session: Session,
  directory: DataDirectory | null,
): Promise<OpenInput> {
  const nothing = (reason: string): OpenInput => ({
    manifest: null,
    chunks: null,
    reason,
    inputLost: false,
  })
  if (batch === INBOX_BATCH) return nothing('a program enqueued it, and its body is kept no more')
  const manifest = (await directory?.manifest(batch)) ?? null
  if (manifest === null || directory === null) return nothing(await elsewhere(batch, session))
  const { input, model } = manifest
  try {
    const { directory: own } = directory.batch(batch)
    return {
      manifest,
      chunks: await openChunks({ directory: own, sourcePath: input.path, model }),
      reason: '',
      inputLost: false,
    }
  } catch (error) {
    if (!isInputTrouble(error)) throw error
    return { ...nothing(error.message), manifest, inputLost: true }
  }
}

async function elsewhere(batch: string, { redis, keys }: Session): Promise<string> {
  const [state, place] = await redis.hmget(keys.batch(batch), 'state', 'directoryPath')
  if (state === null) return `batch ${batch} was removed`
  const where = place ? `in ${place}` : 'in another data directory'
  return `the input of batch ${batch} is kept ${where}; run this there, or name that directory with --data-dir`
}

function missing(
  places: readonly RequestPlace[],
  reason: string,
  inputLost: boolean,
): Map<string, ReadRequest> {
  const request: ReadRequest = { kind: 'missing', reason, ...(inputLost ? { inputLost } : {}) }
  return new Map(places.map((place) => [jobId(place), request]))
}

function isInputTrouble(error: unknown): error is Error {
  return [InputChanged, InputUnreadable, StagingDamaged].some((kind) => error instanceof kind)
}

function byBatch(letters: readonly StoredDeadLetter[]): Map<string, RequestPlace[]> {
  const batches = new Map<string, RequestPlace[]>()
  for (const { batch, index, generation } of letters) {
    const place = { batch, index, generation }
    const own = batches.get(batch)
    if (own === undefined) batches.set(batch, [place])
    else own.push(place)
  }
  return batches
}
