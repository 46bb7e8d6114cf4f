import { type DataDirectory, findDataDirectory } from '../../batches/data-directory.js'
import type { Manifest } from '../../batches/manifest.js'
import { BatchRunning, type Purged, purgeBatch } from '../../batches/purge.js'
import { readQueueSnapshot } from '../../batches/read-snapshot.js'
import { hasEnded, type KeptBatch, keptBatches } from '../../batches/retention.js'
import type { Session } from '../../batches/session.js'
import { isOver } from '../../batches/states.js'
import { createDeadLetters } from '../../completions/dead-letters/dead-letters.js'
import { type Config, loadConfig } from '../../config.js'
import { directoryOf, type FoundBatch, findBatch } from '../batch/find-batch.js'
import type { PurgeFlags } from '../commands/purge.js'
import { confirm } from '../confirm.js'
import { formatCounted, formatDuration } from '../text/format.js'
import { oneLine } from '../text/harmless.js'
import { suggested } from '../text/suggest.js'
import { type Visit, visit } from '../visit.js'

/** Neither a batch nor an age was named, or both. */
export class PurgeWhat extends Error {
  readonly code = 'purge_what'
}

/** One batch to be removed. */
interface Doomed {
  readonly manifest: Manifest
  readonly kept: KeptBatch
  readonly session: Session
  readonly directory: DataDirectory | null
}

/**
 * `conduit-batch purge`: removes what is kept of ended batches; the output files of the user stay.
 * @throws PurgeWhat, BatchRunning, BatchNotFound, BatchAmbiguous, BatchElsewhere, NotConfirmed
 */
export async function purge(wanted: string | undefined, flags: PurgeFlags): Promise<void> {
  if ((wanted === undefined) === (flags.olderThan === undefined)) {
    throw new PurgeWhat(
      'Name a batch, or an age: conduit-batch purge BATCH, or conduit-batch purge --older-than 30d. ' +
        `All batches: ${suggested('conduit-batch list')}`,
    )
  }
  const config = loadConfig(undefined, flags)
  await visit(config, async (visiting) => {
    const doomed =
      wanted === undefined
        ? await olderThan(flags.olderThan ?? 0, visiting, config)
        : [await named(await findBatch(wanted, visiting, config), config)]
    await remove(doomed, flags)
  })
}

async function named(found: FoundBatch, config: Config): Promise<Doomed> {
  const { manifest, session } = found
  const directory = await placeOf(found, config)
  const [kept] = await keptBatches(session, [manifest])
  if (kept === undefined) throw new Error(`batch ${manifest.batch} is not told apart`)
  if (kept.draining && (await readQueueSnapshot(session)).workers > 0) {
    throw new BatchRunning(
      `The last answers of batch ${manifest.batch} are just being written. Type it again in a moment.`,
    )
  }
  return { manifest, kept, session, directory }
}

/** This data directory, also when its files are gone from there. @throws BatchElsewhere */
async function placeOf(found: FoundBatch, config: Config): Promise<DataDirectory | null> {
  const { manifest, session, directory } = found
  if (directory !== null) return directory
  const own = await findDataDirectory(config.dataDirectory)
  const id = await session.redis.hget(session.keys.batch(manifest.batch), 'directory')
  return id === null || id === own?.id ? own : directoryOf(found)
}

async function olderThan(ageMs: number, { session }: Visit, config: Config): Promise<Doomed[]> {
  const directory = await findDataDirectory(config.dataDirectory)
  const before = Date.now() - ageMs
  const doomed: Doomed[] = []
  for (const manifest of (await directory?.list()) ?? []) {
    const own = await session(manifest.queue)
    const [kept] = await keptBatches(own, [manifest])
    if (kept === undefined || !mayGo(kept)) continue
    if ((kept.finishedAt ?? kept.createdAt) <= before)
      doomed.push({ manifest, kept, session: own, directory })
  }
  return doomed
}

/** One that Redis has forgotten is removed too when somebody asks for it; by itself it never goes. */
function mayGo(kept: KeptBatch): boolean {
  return kept.state === null || hasEnded(kept)
}

async function remove(doomed: readonly Doomed[], flags: PurgeFlags): Promise<void> {
  for (const { kept } of doomed) {
    if (kept.state !== null && !isOver(kept.state)) throw new BatchRunning(runningWords(kept.batch))
  }
  if (flags.json !== true) for (const one of doomed) process.stderr.write(`${doomedWords(one)}\n`)
  if (flags.dryRun === true || doomed.length === 0) return tell(doomed, [], flags)
  if (flags.yes !== true) {
    await confirm(
      `Remove ${formatCounted(doomed.length, 'batch', 'batches')}? Output files stay.`,
      'Nothing was removed',
    )
  }
  const purged: Purged[] = []
  for (const { manifest, session, directory } of doomed) {
    const { redis, keys, completions: queue, deadLetters } = session
    const letters = createDeadLetters(redis, keys, deadLetters)
    purged.push(
      await purgeBatch(manifest, { redis, keys, queue, directory, purgeDeadLetters: letters.purgeBatch }),
    )
  }
  tell(doomed, purged, flags)
}

function runningWords(batch: string): string {
  return `Batch ${batch} has not ended. End it first: ${suggested(`conduit-batch cancel ${batch}`)}`
}

function doomedWords({ manifest, kept }: Doomed): string {
  const age = formatDuration(Date.now() - (kept.finishedAt ?? kept.createdAt))
  return `  ${manifest.batch}  ${kept.state ?? 'unknown to Redis'}, ${age} ago  ${oneLine(manifest.input.name)}`
}

function tell(doomed: readonly Doomed[], purged: readonly Purged[], flags: PurgeFlags): void {
  const letters = purged.reduce((sum, { deadLetters }) => sum + deadLetters, 0)
  const dryRun = flags.dryRun === true
  if (flags.json) {
    const batches = doomed.map(({ manifest }) => manifest.batch)
    process.stdout.write(`${JSON.stringify({ batches, dryRun, deadLetters: letters })}\n`)
    return
  }
  const count = formatCounted(doomed.length, 'batch', 'batches')
  process.stdout.write(
    dryRun
      ? `${count} would be removed. Without --dry-run they are.\n`
      : `${count} removed, with ${formatCounted(letters, 'dead letter', 'dead letters')}. Output files stay.\n`,
  )
}
