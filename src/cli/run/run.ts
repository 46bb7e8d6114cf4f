import type { Logger } from 'pino'
import { deliverLeft } from '../../../workers/alert-role.js'
import { completionOptions } from '../../../workers/completion-options.js'
import { type Interruptions, listenForInterruptions } from '../../../workers/interruptions.js'
import { keySourceOf, readKeysAgain } from '../../../workers/read-again.js'
import { type DataDirectory, openDataDirectory } from '../../batches/data-directory.js'
import { createDirectoryLease } from '../../batches/lease.js'
import type { Manifest } from '../../batches/manifest.js'
import { readBatchSnapshot } from '../../batches/read-snapshot.js'
import { registerBatch, restoreFiles } from '../../batches/register-batch.js'
import type { Session } from '../../batches/session.js'
import type { BatchSnapshot } from '../../batches/snapshot.js'
import { isOver } from '../../batches/states.js'
import { createKeyHolder } from '../../completions/key-holder.js'
import { type Config, loadConfig } from '../../config.js'
import { createLog } from '../../log.js'
import { currentProcess, formatProcess } from '../../process-identity.js'
import { EXIT, type ExitCode } from '../exit.js'
import type { RunStatus } from '../text/summary-object.js'
import { attend } from './attend.js'
import type { RunFlags } from './flags.js'
import { inheritanceWords } from './inheritance.js'
import { createLazyRedis } from './lazy-redis.js'
import { once } from './once.js'
import { report } from './report.js'
import { createScreen, type Screen } from './screen.js'
import { optionsOf, stage } from './stage.js'

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
  config.assertQueue(flags.queue)
  const screen = createScreen()
  const directory = await openDataDirectory(config.dataDirectory)
  const log = createLog(config.logLevel ?? (screen.isTerminal ? 'silent' : 'warn'))
  const context = { flags, config, screen, log, directory, startedAt }
  const redis = createLazyRedis(config, screen.notice, log)
  // Until there are calls in flight, Ctrl-C has nothing to wait for.
  const interruptions = listenForInterruptions(async () => {
    screen.close()
    await redis.leave()
    process.exit(EXIT.interrupted)
  })
  try {
    const { manifest, resumed } = await stage(input, null, flags, { config, directory, screen, log, redis })
    const session = await redis.open(manifest.queue)
    try {
      await registerBatch(session, directory, manifest, optionsOf(flags, config))
      if (!resumed && manifest.inherits !== null) screen.notice(inheritanceWords(manifest, manifest.inherits))
      return await workAndReport(session, manifest, resumed, interruptions, context)
    } finally {
      await session.close()
    }
  } finally {
    screen.close()
    await redis.leave()
    interruptions.close()
  }
}

async function workAndReport(
  session: Session,
  manifest: Manifest,
  resumed: boolean,
  interruptions: Interruptions,
  context: RunContext,
): Promise<ExitCode> {
  const { screen, flags, startedAt, config, log } = context
  const startedAtRedis = await redisNowMs(session)
  const before = await snapshotOf(session, manifest.batch)
  const status = await work(session, manifest, before, resumed, interruptions, context)
  // Whoever worked on the batch may have been killed between its end and the all-clear.
  await deliverLeft(session, config.queue(manifest.queue).alerts, log, screen.notice)
  const after = await snapshotOf(session, manifest.batch)
  const durationMs = Date.now() - startedAt
  return report(session, after, status, { screen, json: flags.json === true, durationMs, startedAtRedis })
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
  if (isOver(before.state)) return before.state
  // What only an early end has ended is called now.
  const done = before.completed + before.failed - before.unfinished
  if (resumed && done > 0) {
    screen.notice(`Going on with batch ${manifest.batch}: ${done} of ${before.total} are done.`)
  }
  const queue = config.queue(manifest.queue)
  const keyHolder = await createKeyHolder(queue, keySourceOf(config, queue.queue, log))
  interruptions.onReload(() => void readKeysAgain([keyHolder], log))
  const holder = formatProcess(currentProcess())
  const lease = createDirectoryLease(session.redis, session.keys, directory.id, holder)
  return attend({
    batch: manifest.batch,
    options: optionsOf(flags, config),
    screen,
    startedAt,
    interruptions,
    exitOnPause: flags.exitOnPause === true,
    async registerAgain() {
      await registerBatch(session, directory, manifest)
      await session.store.configure(manifest.batch, optionsOf(flags, config))
    },
    roles: {
      session,
      completion: completionOptions(queue, keyHolder, null),
      batch: { directory, lease, retention: config.retention },
      alert: queue.alerts,
      log,
      onTrouble: once(screen.notice),
    },
  })
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
