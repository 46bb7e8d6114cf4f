import { errorLine } from '../../src/completions/output-line.js'
import type { Failure } from '../../src/conduit/outcome.js'
import { type BatchWorker, startBatchWorker } from '../../workers/batch-worker.js'
import { createFeedBudget } from '../../workers/feed-budget.js'
import { MODEL } from './batch-files.js'
import { silent, type TestBatch } from './batches.js'
import { eventually } from './eventually.js'

/** What a request died of. */
export interface Death {
  readonly code: string
  readonly failure: Failure
}

function refusal(status: number, code: string, message: string, fields?: object): Death {
  const requestId = `req_${code.toLowerCase()}`
  const details = fields === undefined ? {} : { details: { fields } }
  return {
    code,
    failure: { status, code, message, requestId, envelope: { code, message, requestId, ...details } },
  }
}

export const NO_MODEL = refusal(404, 'CHAT_MODEL_NOT_FOUND', 'The model "gpt-9" does not exist')
export const TOO_LONG = refusal(400, 'VALIDATION_ERROR', 'max_tokens must be at most 4096', {
  max_tokens: 'must be at most 4096',
})
const UNAVAILABLE = refusal(503, 'SERVICE_UNAVAILABLE', 'Service unavailable')
export const EXHAUSTED: Death = { ...UNAVAILABLE, code: 'retries_exhausted' }

/** Starts the batch role for a batch: what workers/roles.ts ties, without the other roles. */
function startBatches({ lease, session, deps }: TestBatch): BatchWorker {
  return startBatchWorker({
    lease,
    store: session.store,
    work: deps,
    budget: createFeedBudget(session),
    log: silent,
    onTrouble: () => undefined,
  })
}

/** Ends every request of a batch as dead, without a call, and lets the batch complete. */
export async function letDie(batch: TestBatch, deathOf: (index: number) => Death): Promise<void> {
  const { manifest, session, id } = batch
  await pretendFed(batch)
  const endings = Array.from({ length: manifest.total }, (_, index) => {
    const { code, failure } = deathOf(index)
    const place = batch.place(index)
    const customId = `p-${index + 1}`
    const letter = {
      ...place,
      customId,
      line: index + 1,
      model: MODEL,
      code,
      failure,
      attempts: 1,
      history: [],
      sendable: true,
      body: null,
      at: Date.now() - manifest.total + index,
    }
    return batch.record(index, { kind: 'dead', line: errorLine(place, customId, failure, null), letter })
  })
  await Promise.all(endings)
  const worker = startBatches(batch)
  await eventually('all are buried', async () => (await session.store.marks(id))?.state === 'completed')
  await worker.close()
  await batch.lease.hold()
}

/** No job is made of the requests. */
async function pretendFed(batch: TestBatch): Promise<void> {
  const { deps, id, manifest, lease, directory } = batch
  const chunks = await batch.chunks()
  let cursor = 0
  for (let read = await chunks.read({ at: 0 }); read !== null; read = await chunks.read({ at: cursor })) {
    cursor = read.next.at
  }
  await chunks.close()
  await deps.store.advance(id, directory.id, lease.token, { fed: manifest.total, cursor })
}
