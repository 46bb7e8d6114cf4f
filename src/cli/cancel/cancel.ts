import { userInfo } from 'node:os'
import { finishEnd } from '../../../workers/finish-end.js'
import { listenForInterruptions } from '../../../workers/interruptions.js'
import type { DataDirectory } from '../../batches/data-directory.js'
import type { Manifest } from '../../batches/manifest.js'
import { readBatchSnapshot } from '../../batches/read-snapshot.js'
import type { BatchSnapshot } from '../../batches/snapshot.js'
import { isEnding } from '../../batches/states.js'
import { type Config, loadConfig } from '../../config.js'
import { createLog } from '../../log.js'
import { findBatch } from '../batch/find-batch.js'
import type { CancelFlags } from '../commands/cancel.js'
import { EXIT, type ExitCode } from '../exit.js'
import { createLazyRedis } from '../run/lazy-redis.js'
import { once } from '../run/once.js'
import { createScreen, type Screen } from '../run/screen.js'
import { formatCount, formatCounted } from '../text/format.js'
import { visit } from '../visit.js'
import { cancelledWords } from './cancelled-words.js'

/**
 * `conduit-batch cancel`: no further call of the batch starts, what was answered is kept, and what is open becomes
 * error lines. Where nobody serves its data directory, and it is here, this process does that.
 */
export async function cancel(wanted: string, flags: CancelFlags): Promise<ExitCode> {
  const config = loadConfig(undefined, flags)
  const screen = createScreen()
  const interruptions = listenForInterruptions(async () => {})
  interruptions.takeOver()
  const isInterrupted = () => interruptions.count > 0
  try {
    return await visit(config, async (visiting) => {
      const found = await findBatch(wanted, visiting, config)
      const { manifest, session, directory } = found
      const { batch } = manifest
      const changed = await session.store.cancel(batch, `cancelled by ${userInfo().username}`)
      const begun = await readBatchSnapshot(session, batch)
      if (directory !== null && begun !== null && isEnding(begun.state)) {
        await finishHere(manifest, directory, config, screen, isInterrupted)
      }
      const seen = await readBatchSnapshot(session, batch)
      screen.close()
      tell(manifest, seen, changed, directory !== null, flags)
      return isInterrupted() && seen !== null && isEnding(seen.state) ? EXIT.interrupted : EXIT.answered
    })
  } finally {
    screen.close()
    interruptions.close()
  }
}

async function finishHere(
  { batch, queue }: Manifest,
  directory: DataDirectory,
  config: Config,
  screen: Screen,
  isInterrupted: () => boolean,
): Promise<void> {
  const log = createLog(config.logLevel ?? 'silent')
  const redis = createLazyRedis(config, screen.notice, log)
  try {
    const session = await redis.open(queue)
    try {
      const onLook = (seen: BatchSnapshot, inFlight: number) => screen.passing(lookWords(seen, inFlight))
      await finishEnd(batch, session, {
        directory,
        log,
        onLook,
        onTrouble: once(screen.notice),
        isInterrupted,
      })
    } finally {
      await session.close()
    }
  } finally {
    await redis.leave()
  }
}

function lookWords({ batch, completed, failed, total }: BatchSnapshot, inFlight: number): string {
  if (inFlight > 0) {
    const calls = formatCounted(inFlight, 'call in flight finishes', 'calls in flight finish')
    return `cancelling batch ${batch}: ${calls}`
  }
  return `cancelling batch ${batch}: ${formatCount(completed + failed)} of ${formatCount(total)} lines`
}

function tell(
  manifest: Manifest,
  batch: BatchSnapshot | null,
  changed: boolean,
  here: boolean,
  flags: CancelFlags,
): void {
  const { batch: id, total } = manifest
  const object = {
    batch: id,
    changed,
    state: batch?.state ?? null,
    total,
    completed: batch?.completed ?? null,
    failed: batch?.failed ?? null,
    unfinished: batch?.unfinished ?? null,
  }
  process.stdout.write(
    flags.json
      ? `${JSON.stringify(object)}\n`
      : `${cancelledWords(manifest, batch, changed, here).join('\n')}\n`,
  )
}
