import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import type { BatchWorkDeps } from '../../src/batches/batch-work.js'
import { type BatchPaths, type DataDirectory, openDataDirectory } from '../../src/batches/data-directory.js'
import { type ChunkReader, openChunks } from '../../src/batches/input/chunks.js'
import { createDirectoryLease, type DirectoryLease } from '../../src/batches/lease.js'
import type { Manifest } from '../../src/batches/manifest.js'
import { openSession, type Session } from '../../src/batches/session.js'
import { submit } from '../../src/batches/submit.js'
import { createDeadLetters } from '../../src/completions/dead-letters/dead-letters.js'
import { type Ending, type Recorded, record } from '../../src/completions/record.js'
import type { BatchOptions, RequestPlace } from '../../src/completions/request.js'
import { currentProcess, formatProcess } from '../../src/process-identity.js'
import { putAwayAfterAll } from './put-away.js'
import { redisTarget, uniquePrefix } from './redis.js'

const sessions = new Set<Session>()
const directories = new Set<string>()

/** Options of a test's batch: what fails is tried again soon. */
export const QUICK_OPTIONS: BatchOptions = {
  concurrency: 10,
  maxAttempts: 8,
  timeoutMs: 10_000,
  backoffBaseMs: 20,
  backoffCapMs: 200,
  priority: 'normal',
}

/** A log that nobody reads. */
export const silent = pino({ level: 'silent' })

/** A queue under a prefix of its own, closed when the file is done. */
export async function testSession(keyPrefix = uniquePrefix(), queue = 'default'): Promise<Session> {
  const session = await openSession({
    target: redisTarget(),
    keyPrefix,
    queue,
    role: 'worker',
    onRedisLost: () => {},
    onWarning: () => {},
  })
  sessions.add(session)
  return session
}

/** A batch of a file, known to Redis; nothing of it is fed yet. */
export interface TestBatch {
  readonly id: string
  readonly session: Session
  readonly directory: DataDirectory
  readonly manifest: Manifest
  readonly paths: BatchPaths
  /** The input, to be edited. */
  readonly inputPath: string
  /** The lease on the directory; held. */
  readonly lease: DirectoryLease
  /** What feeder, collector and reconciler need, as workers/roles.ts ties it. */
  readonly deps: BatchWorkDeps
  place(index: number, generation?: number): RequestPlace
  record(index: number, ending: Ending): Promise<Recorded>
  chunks(): Promise<ChunkReader>
}

/** @param input what the file holds: bare requests, one a line */
export async function testBatch(
  input: string,
  options: Partial<BatchOptions> = {},
  given?: Session,
): Promise<TestBatch> {
  const session = given ?? (await testSession())
  const root = await realpath(await mkdtemp(join(tmpdir(), 'cb-batch-')))
  directories.add(root)
  const inputPath = join(root, 'prompts.jsonl')
  await writeFile(inputPath, input)
  await mkdir(join(root, 'out'))
  const directory = await openDataDirectory(join(root, 'data'))
  const { manifest } = await submit(directory, {
    input: inputPath,
    stdin: (async function* () {})(),
    output: join(root, 'out', 'results.jsonl'),
    errors: join(root, 'out', 'errors.jsonl'),
    queue: 'default',
    name: null,
    model: null,
    options: { ...QUICK_OPTIONS, ...options },
    strict: false,
    fresh: false,
  })
  await session.store.register(manifest, directory.id)
  const lease = leaseOn(session, directory)
  await lease.hold()
  // Nobody renews it here, and a machine may be slow.
  await session.redis.persist(session.keys.lease(directory.id))
  return tie(session, directory, manifest, lease)
}

function tie(
  session: Session,
  directory: DataDirectory,
  manifest: Manifest,
  lease: DirectoryLease,
): TestBatch {
  const { redis, keys, store, completions, deadLetters } = session
  const id = manifest.batch
  const paths = directory.batch(id)
  const place = (index: number, generation = 0) => ({ batch: id, index, generation })
  return {
    id,
    session,
    directory,
    manifest,
    paths,
    inputPath: manifest.input.path,
    lease,
    deps: {
      directory,
      directoryId: directory.id,
      leaseToken: () => lease.token,
      // Nobody renews it here.
      leaseIsSure: () => true,
      queue: completions,
      redis,
      keys,
      store,
      record: (where, ending) => record(redis, keys, where, ending),
      bury: createDeadLetters(redis, keys, deadLetters).bury,
      log: silent,
      now: Date.now,
    },
    place,
    record: (index, ending) => record(redis, keys, place(index), ending),
    chunks: () =>
      openChunks({ directory: paths.directory, sourcePath: manifest.input.path, model: manifest.model }),
  }
}

/** A lease on a data directory, as another process would take it when `holder` is given. */
export function leaseOn(
  { redis, keys }: Session,
  directory: DataDirectory,
  holder = formatProcess(currentProcess()),
): DirectoryLease {
  return createDirectoryLease(redis, keys, directory.id, holder)
}

// Registered on import, after that of redis.ts: so it runs before the keys are deleted there.
putAwayAfterAll(async () => {
  for (const session of sessions) await session.close()
  for (const directory of directories) await rm(directory, { recursive: true, force: true })
  sessions.clear()
  directories.clear()
})
