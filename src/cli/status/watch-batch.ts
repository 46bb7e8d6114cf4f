import { type Interruptions, listenForInterruptions } from '../../../workers/interruptions.js'
import { readBatchSnapshot } from '../../batches/read-snapshot.js'
import type { BatchSnapshot } from '../../batches/snapshot.js'
import { isOver } from '../../batches/states.js'
import type { Config } from '../../config.js'
import { BatchNotFound, type FoundBatch, findBatch } from '../batch/find-batch.js'
import { EXIT, type ExitCode } from '../exit.js'
import { report } from '../run/report.js'
import { createScreen, type Screen } from '../run/screen.js'
import { createView } from '../run/view.js'
import { formatCount } from '../text/format.js'
import { goOnWords } from '../text/same-command.js'
import { suggested } from '../text/suggest.js'
import { type RunStatus, summaryObject } from '../text/summary-object.js'
import { visit } from '../visit.js'

const LOOK_MS = 200

/** `status BATCH --watch`: the progress that `run` shows, until the batch ends. Ctrl-C only leaves. */
export async function watchBatch(wanted: string, config: Config, json: boolean): Promise<ExitCode> {
  const startedAt = Date.now()
  const screen = createScreen()
  const interruptions = listenForInterruptions(async () => {})
  interruptions.takeOver()
  try {
    return await visit(config, async (visiting) => {
      const found = await findBatch(wanted, visiting, config)
      const startedAtRedis = await nowMs(found)
      const status = await follow(found, screen, interruptions, startedAt)
      const batch = await readBatchSnapshot(found.session, found.manifest.batch)
      if (batch === null) throw forgotten(found)
      // Of the batch, not of the look at it.
      const durationMs = Math.max(0, (batch.finishedAt ?? Date.now()) - batch.createdAt)
      if (status === 'interrupted') return leave(batch, screen, json, durationMs)
      return report(found.session, batch, status, { screen, json, durationMs, startedAtRedis })
    })
  } finally {
    screen.close()
    interruptions.close()
  }
}

async function follow(
  found: FoundBatch,
  screen: Screen,
  interruptions: Interruptions,
  startedAt: number,
): Promise<RunStatus> {
  const { session, manifest } = found
  const view = createView({ session, batch: manifest.batch, screen, startedAt, onTrouble: () => {} })
  for (;;) {
    if (interruptions.count > 0) return 'interrupted'
    const seen = await view.look({ attached: true, closing: false })
    if (seen !== null) {
      if (seen.batch === null) throw forgotten(found)
      if (isOver(seen.batch.state)) return seen.batch.state
    }
    await interruptions.orAfter(LOOK_MS)
  }
}

/** The summary of a run would tell how to go on; but nothing has stopped. */
function leave(batch: BatchSnapshot, screen: Screen, json: boolean, durationMs: number): ExitCode {
  const done = `${formatCount(batch.completed + batch.failed)} of ${formatCount(batch.total)} are done`
  screen.notice(`Left; ${done}. Follow it again: ${suggested(`conduit-batch status ${batch.batch} --watch`)}`)
  if (json) {
    process.stdout.write(`${JSON.stringify(summaryObject(batch, { status: 'interrupted', durationMs }))}\n`)
  }
  return EXIT.interrupted
}

function forgotten({ manifest, directory }: FoundBatch): BatchNotFound {
  return new BatchNotFound(
    `Redis does not know batch ${manifest.batch} (any more). ${goOnWords(manifest, directory !== null).text}`,
  )
}

async function nowMs({ session }: FoundBatch): Promise<number> {
  const [seconds, micros] = await session.redis.time()
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
}
