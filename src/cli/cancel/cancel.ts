import { userInfo } from 'node:os'
import type { Manifest } from '../../batches/manifest.js'
import { readBatchSnapshot } from '../../batches/read-snapshot.js'
import type { BatchSnapshot } from '../../batches/snapshot.js'
import { loadConfig } from '../../config.js'
import { type FoundBatch, findBatch } from '../batch/find-batch.js'
import type { CancelFlags } from '../commands/cancel.js'
import { formatCount, formatCounted } from '../text/format.js'
import { goOnWords } from '../text/same-command.js'
import { suggested } from '../text/suggest.js'
import { visit } from '../visit.js'

/** `conduit-batch cancel`: no further call of the batch starts; what was answered is kept. */
export async function cancel(wanted: string, flags: CancelFlags): Promise<void> {
  const config = loadConfig(undefined, flags)
  const { found, changed, batch } = await visit(config, async (visiting) => {
    const one = await findBatch(wanted, visiting, config)
    return { found: one, ...(await end(one)) }
  })
  const { manifest } = found
  const object = {
    batch: manifest.batch,
    changed,
    state: batch?.state ?? null,
    total: manifest.total,
    completed: batch?.completed ?? null,
    failed: batch?.failed ?? null,
  }
  process.stdout.write(
    flags.json
      ? `${JSON.stringify(object)}\n`
      : `${cancelledWords(manifest, batch, changed, found.directory !== null).join('\n')}\n`,
  )
}

async function end({
  manifest,
  session,
}: FoundBatch): Promise<{ readonly changed: boolean; readonly batch: BatchSnapshot | null }> {
  const changed = await session.store.end(manifest.batch, 'cancelled', `cancelled by ${userInfo().username}`)
  return { changed, batch: await readBatchSnapshot(session, manifest.batch) }
}

/** What became of the batch, and what to type next. */
export function cancelledWords(
  manifest: Manifest,
  batch: BatchSnapshot | null,
  changed: boolean,
  here: boolean,
): string[] {
  const { batch: id } = manifest
  if (batch === null) return [`Redis does not know batch ${id} (any more), so nothing of it runs.`]
  const { completed, failed, total, state } = batch
  const results = suggested(`conduit-batch results ${id}`)
  if (!changed) {
    return [`Batch ${id} is ${state}: there was nothing left to cancel. Its answers: ${results}`]
  }
  const open = total - completed - failed
  return [
    `Batch ${id} is cancelled: ${formatCount(completed)} answered, ${formatCount(failed)} failed, ` +
      `${formatCounted(open, 'request', 'requests')} not called or in flight.`,
    'No further call starts. Calls in flight finish, and their answers are kept.',
    `The answers that are there: ${results}`,
    goOnWords(manifest, here).text,
  ]
}
