import { stat } from 'node:fs/promises'
import { type DataDirectory, openDataDirectory } from '../../batches/data-directory.js'
import { createDirectoryLease } from '../../batches/lease.js'
import type { Manifest } from '../../batches/manifest.js'
import { publish } from '../../batches/publish.js'
import { readBatchSnapshot } from '../../batches/read-snapshot.js'
import { accessRedis, openSession, type Session } from '../../batches/session.js'
import type { BatchSnapshot } from '../../batches/snapshot.js'
import { submit } from '../../batches/submit.js'
import { createKeyHolder } from '../../completions/key-holder.js'
import { type Config, loadConfig } from '../../config.js'
import { createLog } from '../../log.js'
import { currentProcess, formatProcess } from '../../process-identity.js'
import { EXIT, type ExitCode } from '../exit.js'
import { formatBytes } from '../text/format.js'
import { renderSummary } from '../text/summary.js'
import { type RunStatus, summaryObject } from '../text/summary-object.js'
import { attend } from './attend.js'
import type { RunFlags } from './flags.js'
import { outputNames } from './output-names.js'
import { createScreen, type Screen } from './screen.js'

/**
 * `conduit-batch run`: stages the input, works on the batch (or watches whoever does) until it ends, and tells how.
 *
 * @returns the exit code
 * @throws every error that has a message for the user
 */
export async function run(input: string, flags: RunFlags): Promise<ExitCode> {
  const startedAt = Date.now()
  const config = loadConfig(undefined, flags.dataDir === undefined ? {} : { dataDir: flags.dataDir })
  const screen = createScreen()
  const directory = await openDataDirectory(config.dataDirectory)
  const { manifest, resumed, replaced } = await stage(input, flags, directory, screen)
  const log = createLog(config.logLevel ?? (screen.isTerminal ? 'silent' : 'warn'))
  const access = await accessRedis(config, (error) => screen.notice((error as Error).message))
  try {
    const session = await openSession({
      target: access.target,
      keyPrefix: config.keyPrefix,
      queue: flags.queue,
      role: 'worker',
      onRedisLost: (error) => log.warn({ err: error.message }, 'redis.lost'),
      onWarning: (warning) => screen.notice(warning),
    })
    try {
      await registerBatch(session, directory, manifest, flags, replaced)
      const status = await work(session, directory, manifest, {
        config,
        flags,
        log,
        screen,
        resumed,
        startedAt,
      })
      const snapshot = await snapshotOf(session, manifest.batch)
      return await report(session, snapshot, status, { flags, screen, startedAt })
    } finally {
      await session.close()
    }
  } finally {
    screen.close()
    await access.leave()
  }
}

/** Input → batch on disk, with its progress shown when it takes long. */
async function stage(input: string, flags: RunFlags, directory: DataDirectory, screen: Screen) {
  const names = outputNames(input, flags.output)
  return submit(
    directory,
    {
      input,
      stdin: process.stdin,
      ...names,
      queue: flags.queue,
      model: flags.model ?? null,
      options: optionsOf(flags),
      strict: flags.strict === true,
      fresh: flags.fresh === true,
    },
    (_step, bytes, ofBytes) =>
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

async function registerBatch(
  session: Session,
  directory: DataDirectory,
  manifest: Manifest,
  flags: RunFlags,
  replaced: string | null,
): Promise<void> {
  if (replaced !== null) await session.store.end(replaced, 'cancelled', 'replaced with --fresh')
  const state = await session.store.register({ ...manifest, options: optionsOf(flags) }, directory.id)
  if (state === 'stopped') await session.store.reopen(manifest.batch)
}

interface WorkContext {
  readonly config: Config
  readonly flags: RunFlags
  readonly log: ReturnType<typeof createLog>
  readonly screen: Screen
  readonly resumed: boolean
  readonly startedAt: number
}

/** Until the batch ends, or somebody stops us. A batch that has ended is only made whole again on disk. */
async function work(
  session: Session,
  directory: DataDirectory,
  manifest: Manifest,
  { config, flags, log, screen, resumed, startedAt }: WorkContext,
): Promise<RunStatus> {
  const before = await snapshotOf(session, manifest.batch)
  if (before.state !== 'running') {
    if (before.state === 'completed') await restoreFiles(directory, manifest, before)
    return before.state
  }
  if (resumed && before.completed + before.failed > 0) {
    screen.notice(
      `Going on with batch ${manifest.batch}: ${before.completed + before.failed} of ${before.total} are done.`,
    )
  }
  const keyHolder = await createKeyHolder(config)
  const lease = createDirectoryLease(
    session.redis,
    session.keys,
    directory.id,
    formatProcess(currentProcess()),
  )
  return attend({
    session,
    batch: manifest.batch,
    screen,
    startedAt,
    exitOnPause: flags.exitOnPause === true,
    lease,
    roles: {
      session,
      directory,
      lease,
      keyHolder,
      baseUrl: config.baseUrl,
      alertWebhook: config.alertWebhook,
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

/** Writes deleted output again from the batch's own copy: no call is made. */
async function restoreFiles(
  directory: DataDirectory,
  manifest: Manifest,
  batch: BatchSnapshot,
): Promise<void> {
  const paths = directory.batch(manifest.batch)
  const pairs: [string, string][] = [[paths.results, manifest.output]]
  if (batch.failed > 0) pairs.push([paths.errors, manifest.errors])
  for (const [own, final] of pairs) {
    if (await isMissing(final)) await publish(own, final)
  }
}

async function isMissing(path: string): Promise<boolean> {
  try {
    await stat(path)
    return false
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true
    throw error
  }
}

async function snapshotOf(session: Session, batch: string): Promise<BatchSnapshot> {
  const snapshot = await readBatchSnapshot(session, batch)
  if (snapshot === null) throw new Error(`Redis does not know batch ${batch} any more`)
  return snapshot
}

const MOST_INCIDENTS = 50

/** The summary for people, the object for programs, and the exit code for both. */
async function report(
  session: Session,
  batch: BatchSnapshot,
  status: RunStatus,
  { flags, screen, startedAt }: { flags: RunFlags; screen: Screen; startedAt: number },
): Promise<ExitCode> {
  const end = { status, durationMs: Date.now() - startedAt }
  const open = (await session.gate.read()).incident
  const past = await session.gate.pastIncidents(MOST_INCIDENTS)
  const incidents = [...past.reverse(), ...(open === null ? [] : [open])].filter(
    ({ openedAt, resolvedAt }) => (resolvedAt ?? openedAt) >= startedAt,
  )
  const lines = renderSummary(batch, incidents, screen.columns(), screen.colour, {
    ...end,
    nowMs: Date.now(),
  })
  const stream = flags.json ? process.stderr : process.stdout
  screen.close()
  stream.write(`${lines.join('\n')}\n`)
  if (flags.json) process.stdout.write(`${JSON.stringify(summaryObject(batch, end))}\n`)
  return exitCodeOf(status, batch)
}

function exitCodeOf(status: RunStatus, batch: BatchSnapshot): ExitCode {
  switch (status) {
    case 'completed':
      return batch.failed === 0 ? EXIT.answered : EXIT.failures
    case 'paused':
      return EXIT.paused
    case 'interrupted':
      return EXIT.interrupted
    case 'stopped':
      return EXIT.error
    case 'cancelled':
    case 'expired':
      return EXIT.failures
  }
}
