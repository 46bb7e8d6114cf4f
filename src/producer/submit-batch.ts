import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { DataDirectory } from '../batches/data-directory.js'
import { contentDigest } from '../batches/input/content-digest.js'
import { openSource } from '../batches/input/source.js'
import type { Manifest } from '../batches/manifest.js'
import { type OutputNames, outputNames } from '../batches/output-names.js'
import { readBatchSnapshot } from '../batches/read-snapshot.js'
import { registerBatch, restoreFiles } from '../batches/register-batch.js'
import { submit } from '../batches/submit.js'
import { PRIORITIES } from '../completions/priority.js'
import type { BatchOptions } from '../completions/request.js'
import type { BatchHandle } from './batch-handle.js'
import { type BatchRequest, toLines } from './batch-request.js'
import { ProducerOptionInvalid } from './errors.js'
import type { Link } from './link.js'
import { firstIssue } from './options.js'

const LONGEST_WINDOW_MS = 10 * 365 * 24 * 3600_000

const submitOptionsSchema = z.strictObject({
  /** Where answers go; failures go to `….errors.jsonl` beside it. Default: `<dataDirectory>/results/`. */
  output: z.string().min(1).optional(),
  /** What to call the batch in place of its id. */
  name: z.string().min(1).max(200).optional(),
  /** For requests that name no model. */
  model: z.string().min(1).optional(),
  /** Calls in flight at most, in each process of workers; fewer when more bring no more answers. */
  concurrency: z.int().min(1).max(1000).default(1000),
  maxAttempts: z.int().min(1).max(1000).default(8),
  /** Its part of the calls beside other batches: 4, 2 and 1. The same input again with another one changes it. */
  priority: z.enum(PRIORITIES).default('normal'),
  /** For one call. */
  timeoutMs: z.number().min(100).max(3_600_000).default(300_000),
  /** How long after it was made the batch expires: what is open then ends as `batch_expired`. Without it never. */
  completionWindowMs: z.number().min(1000).max(LONGEST_WINDOW_MS).optional(),
  /** Stop the batch when nearly all of its last requests fail with the same code, and ask a person. */
  brake: z.boolean().default(true),
  /** Stop after so many requests and ask a person; retries are not counted. */
  maxRequests: z.int().min(1).optional(),
  /** Stop at about such a cost, in dollars, and ask a person. It needs `prices`, or a balance that has told before. */
  maxCost: z.number().positive().optional(),
  /** What models cost: dollars per million tokens, by model. */
  prices: z
    .record(z.string().min(1), z.strictObject({ input: z.number().min(0), output: z.number().min(0) }))
    .optional(),
  /** Refuse the whole input when one request can't be sent. */
  strict: z.boolean().default(false),
  /** Start over, whatever there was: every call is made, and paid for, again. */
  fresh: z.boolean().default(false),
  /** Told while the input is read. */
  onProgress: z
    .custom<(progress: ReadingProgress) => void>((value) => typeof value === 'function')
    .optional(),
})

/** How much of an input was read. */
export interface ReadingProgress {
  readonly bytes: number
  readonly ofBytes: number
}

/** What `submitBatch` takes beside its input. */
export type SubmitOptions = z.input<typeof submitOptionsSchema>
type Settings = z.output<typeof submitOptionsSchema>

/** A path, or requests from anywhere. */
export type BatchInput = string | AsyncIterable<BatchRequest> | Iterable<BatchRequest>

export interface SubmitDeps {
  readonly link: Link
  readonly directory: DataDirectory
  readonly queue: string
}

const BACKOFF = { backoffBaseMs: 1000, backoffCapMs: 60_000 }

/** The input becomes a batch on disk, then Redis is told; both before it returns. */
export async function submitBatch(
  input: BatchInput,
  options: SubmitOptions,
  deps: SubmitDeps,
  handleOf: (manifest: Manifest) => BatchHandle,
): Promise<BatchHandle> {
  const settings = readSubmitOptions(options)
  // Before an iterable is used up for nothing.
  await deps.link.use(({ redis }) => redis.ping())
  const manifest = await stage(input, settings, deps)
  await deps.link.use(async (session) => {
    await registerBatch(session, deps.directory, manifest, optionsOf(settings))
    const snapshot = await readBatchSnapshot(session, manifest.batch)
    if (snapshot?.state === 'completed') await restoreFiles(deps.directory, manifest, snapshot, session)
  })
  return handleOf(manifest)
}

function optionsOf(settings: Settings): BatchOptions {
  const { concurrency, maxAttempts, timeoutMs, brake, priority } = settings
  const { completionWindowMs, maxRequests, maxCost, prices } = settings
  return {
    concurrency,
    maxAttempts,
    timeoutMs,
    priority,
    brake,
    ...(completionWindowMs === undefined ? {} : { completionWindowMs }),
    ...(maxRequests === undefined ? {} : { maxRequests }),
    ...(maxCost === undefined ? {} : { maxCostCents: maxCost * 100 }),
    ...(prices === undefined ? {} : { prices }),
    ...BACKOFF,
  }
}

function readSubmitOptions(options: SubmitOptions): Settings {
  const read = submitOptionsSchema.safeParse(options)
  if (read.success) return read.data
  throw new ProducerOptionInvalid(`submitBatch: ${firstIssue(read.error)}`)
}

async function stage(input: BatchInput, settings: Settings, deps: SubmitDeps): Promise<Manifest> {
  const { output } = settings
  const bytes = typeof input === 'string' ? noBytes() : toLines(input)
  const path = typeof input === 'string' ? input : '-'
  if (output !== undefined) return makeBatch(path, bytes, outputNames(path, output), settings, deps)
  // What is named after its content must be read to be named; and an iterable can be read only once.
  const aside = await deps.directory.staging()
  try {
    const source = await openSource(path, { spoolDir: aside, stdin: bytes })
    const names = await ownNames(await contentDigest(source.path), settings, deps)
    return await makeBatch(path, createReadStream(source.path), names, settings, deps)
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
}

async function makeBatch(
  input: string,
  stdin: AsyncIterable<Buffer>,
  { output, errors }: OutputNames,
  settings: Settings,
  { directory, queue }: SubmitDeps,
): Promise<Manifest> {
  const { name = null, model = null, strict, fresh, onProgress } = settings
  const options = optionsOf(settings)
  const submission = { input, stdin, output, errors, queue, name, model, options, strict, fresh }
  const { manifest } = await submit(directory, submission, (_step, bytes, ofBytes) =>
    onProgress?.({ bytes, ofBytes }),
  )
  return manifest
}

const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

/** In the data directory: called like the batch when that makes a file name, else after what it is of. */
async function ownNames(
  digest: string,
  { name, model }: Settings,
  { directory, queue }: SubmitDeps,
): Promise<OutputNames> {
  const results = join(directory.path, 'results')
  await mkdir(results, { recursive: true, mode: 0o700 })
  const identity = createHash('sha256')
    .update(JSON.stringify([digest, queue, model ?? null, name ?? null]))
    .digest('hex')
  const stem = name !== undefined && PLAIN_NAME.test(name) ? name : identity.slice(0, 16)
  return outputNames('-', join(results, `${stem}.results.jsonl`))
}

async function* noBytes(): AsyncGenerator<Buffer, void, undefined> {}
