import type { Logger } from 'pino'
import { type Interruptions, listenForInterruptions } from '../../../workers/interruptions.js'
import { type DataDirectory, openDataDirectory } from '../../batches/data-directory.js'
import { createDirectoryLease } from '../../batches/lease.js'
import type { Manifest } from '../../batches/manifest.js'
import { outputNames } from '../../batches/output-names.js'
import { readBatchSnapshot } from '../../batches/read-snapshot.js'
import { registerBatch, restoreFiles } from '../../batches/register-batch.js'
import { accessRedis, openSession, type RedisAccess, type Session } from '../../batches/session.js'
import type { BatchSnapshot } from '../../batches/snapshot.js'
import { submit } from '../../batches/submit.js'
import { createKeyHolder } from '../../completions/key-holder.js'
import { type Config, loadConfig } from '../../config.js'
import { createLog } from '../../log.js'
import { currentProcess, formatProcess } from '../../process-identity.js'
import { EXIT, type ExitCode } from '../exit.js'
import { formatBytes } from '../text/format.js'
import type { RunStatus } from '../text/summary-object.js'
import { attend } from './attend.js'
import type { RunFlags } from './flags.js'
import { report } from './report.js'
import { createScreen, type Screen } from './screen.js'

/** What every step of a run needs. */
interface RunContext {
  readonly flags: RunFlags
  readonly config: Config
  readonly screen: Screen
  readonly log: Logger
  readonly directory: DataDirectory
  readonly startedAt: number
}

/**
 * `conduit-batch run`: stages the input, works on the batch (or watches whoever does) until it ends, and tells how.
 *
 * @returns the exit code
 * @throws every error that has a message for the user
 */
export async function run(input: string, flags: RunFlags): Promise<ExitCode> {
  const startedAt = Date.now()
  const config = loadConfig(undefined, flags)
  const screen = createScreen()
  const directory = await openDataDirectory(config.dataDirectory)
  const { manifest, resumed } = await stage(input, flags, directory, screen)
  const log = createLog(config.logLevel ?? (screen.isTerminal ? 'silent' : 'warn'))
  const context = { flags, config, screen, log, directory, startedAt }

  let access: RedisAccess | null = null
  // Until there are calls in flight, Ctrl-C has nothing to wait for.
  const interruptions = listenForInterruptions(async () => {
    screen.close()
    await access?.leave()
    process.exit(EXIT.interrupted)
  })
  try {
    access = await accessRedis(config, (error) => screen.notice((error as Error).message))
    const session = await openRunSession(access, context)
    try {
      await registerBatch(session, directory, manifest)
      return await workAndReport(session, manifest, resumed, interruptions, context)
    } finally {
      await session.close()
    }
  } finally {
    screen.close()
    await access?.leave()
    interruptions.close()
  }
}

/** Input → batch on disk, with its progress shown when it takes long. */
async function stage(input: string, flags: RunFlags, directory: DataDirectory, screen: Screen) {
  const submission = {
    input,
    stdin: process.stdin,
    ...outputNames(input, flags.output),
    queue: flags.queue,
    name: null,
    model: flags.model ?? null,
    options: optionsOf(flags),
    strict: flags.strict === true,
    fresh: flags.fresh === true,
  }
  return submit(directory, submission, (_step, bytes, ofBytes) =>
    screen.passing(`checking ${input}: ${formatBytes(bytes)} of ${formatBytes(ofBytes)}`),
  )
}

function optionsOf(flags: RunFlags): Manifest['options'] {
  return {
    concurrency: flags.concurrency,
    maxAttempts: flags.maxAttempts,
    timeoutMs: flags.timeout,
    backoffBaseMs: flags.backoffBase,
    backoffCapMs: flags.backoffCap,
  }
}

function openRunSession(
  { target }: RedisAccess,
  { config, flags, log, screen }: RunContext,
): Promise<Session> {
  return openSession({
    target,
    keyPrefix: config.keyPrefix,
    queue: flags.queue,
    role: 'worker',
    onRedisLost: (error) => log.warn({ err: error.message }, 'redis.lost'),
    onWarning: screen.notice,
  })
}

async function workAndReport(
  session: Session,
  manifest: Manifest,
  resumed: boolean,
  interruptions: Interruptions,
  context: RunContext,
): Promise<ExitCode> {
  const { screen, flags, startedAt } = context
  const startedAtRedis = await redisNowMs(session)
  const before = await snapshotOf(session, manifest.batch)
  const status = await work(session, manifest, before, resumed, interruptions, context)
  const after = await snapshotOf(session, manifest.batch)
  return report(session, after, status, { screen, json: flags.json === true, startedAt, startedAtRedis })
}

/** Until the batch ends, or somebody stops us. A batch that has ended is only made whole again on disk. */
async function work(
  session: Session,
  manifest: Manifest,
  before: BatchSnapshot,
  resumed: boolean,
  interruptions: Interruptions,
  { config, flags, log, screen, directory, startedAt }: RunContext,
): Promise<RunStatus> {
  if (before.state === 'completed') await restoreFiles(directory, manifest, before, session)
  if (before.state !== 'running') return before.state
  const done = before.completed + before.failed
  if (resumed && done > 0) {
    screen.notice(`Going on with batch ${manifest.batch}: ${done} of ${before.total} are done.`)
  }
  const queue = config.queue(manifest.queue)
  const keyHolder = await createKeyHolder(queue)
  const holder = formatProcess(currentProcess())
  const lease = createDirectoryLease(session.redis, session.keys, directory.id, holder)
  return attend({
    batch: manifest.batch,
    options: optionsOf(flags),
    screen,
    startedAt,
    interruptions,
    exitOnPause: flags.exitOnPause === true,
    registerAgain: () => registerBatch(session, directory, manifest),
    roles: {
      session,
      completion: {
        keyHolder,
        baseUrl: queue.baseUrl,
        concurrency: { wanted: null, ceiling: queue.concurrency },
      },
      batch: { directory, lease },
      alert: { webhook: queue.alertWebhook },
      log,
      onTrouble: once(screen.notice),
    },
  })
}

/** The same sentence is said once, however often it is true. */
function once(say: (text: string) => void): (text: string) => void {
  const said = new Set<string>()
  return (text) => {
    if (!said.has(text)) say(text)
    said.add(text)
  }
}

async function snapshotOf(session: Session, batch: string): Promise<BatchSnapshot> {
  const snapshot = await readBatchSnapshot(session, batch)
  if (snapshot === null) throw new Error(`Redis does not know batch ${batch} any more`)
  return snapshot
}

async function redisNowMs({ redis }: Session): Promise<number> {
  const [seconds, micros] = await redis.time()
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
}
