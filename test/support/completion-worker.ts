import { feedPortion } from '../../src/batches/feeder.js'
import type { Session } from '../../src/batches/session.js'
import { createKeyHolder, type KeySource } from '../../src/completions/key-holder.js'
import { createConduitClient } from '../../src/conduit/client.js'
import { currentProcess, formatProcess } from '../../src/process-identity.js'
import { type Admission, createAdmission } from '../../workers/admission.js'
import { type CompletionWorker, startCompletionWorker } from '../../workers/completion-worker.js'
import { createHandleDeps } from '../../workers/handle-deps.js'
import { createSuspectsBalance } from '../../workers/suspects-balance.js'
import { silent, type TestBatch } from './batches.js'
import { putAwayAfterEach } from './put-away.js'

/** The completions role of a process: what workers/roles.ts ties, without the other roles. */
export interface TestWorker extends Pick<CompletionWorker, 'abort' | 'setConcurrency'> {
  readonly admission: Admission
  /** As `Roles.close` does it. */
  close(deadlineMs?: number): Promise<void>
}

export interface TestWorkerOptions {
  readonly baseUrl: string
  /** Without it nobody knows the balance. */
  readonly billingUrl?: string
  readonly concurrency?: number
  readonly key?: Partial<KeySource>
  /** What BullMQ stores as the worker of its jobs; this process when not given. */
  readonly name?: string
}

const workers = new Set<TestWorker>()

export async function startTestWorker(session: Session, options: TestWorkerOptions): Promise<TestWorker> {
  const { baseUrl, billingUrl, concurrency = 10, key = { apiKey: 'sk-simulator' } } = options
  const keyHolder = await createKeyHolder({ apiKey: null, apiKeyFile: null, ...key })
  const conduit = createConduitClient({ baseUrl })
  const balance = createSuspectsBalance(billingUrl ?? null, keyHolder)
  const admission = createAdmission(session, keyHolder, silent)
  const workerName = options.name ?? formatProcess(currentProcess())
  const onTrouble = (): void => undefined
  const deps = createHandleDeps({
    session,
    admission,
    conduit,
    keyHolder,
    balance: balance.look,
    workerName,
    log: silent,
    onTrouble,
  })
  const { redis, keys } = session
  const completions = startCompletionWorker({ redis, keys, concurrency, log: silent, deps, onTrouble })
  const worker: TestWorker = {
    admission,
    abort: completions.abort,
    setConcurrency: completions.setConcurrency,
    async close(deadlineMs = 0) {
      if (!workers.delete(worker)) return
      admission.permits.close()
      await completions.close(deadlineMs)
      await admission.permits.flush()
      await conduit.close()
      await balance.close()
    },
  }
  workers.add(worker)
  return worker
}

/** Hands over the whole input of a batch. */
export async function feedAll(batch: TestBatch): Promise<void> {
  const chunks = await batch.chunks()
  let fed: number
  do fed = (await feedPortion(batch.id, 500, chunks, batch.deps)).count
  while (fed > 0)
  await chunks.close()
}

putAwayAfterEach(async () => {
  await Promise.all([...workers].map((worker) => worker.close()))
  workers.clear()
})
