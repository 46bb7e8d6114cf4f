import { readBatchSnapshot, readQueueSnapshot } from '../../batches/read-snapshot.js'
import type { Config } from '../../config.js'
import { type FoundBatch, findBatch } from '../batch/find-batch.js'
import { createRateMeter, estimateLeftMs } from '../progress/rate.js'
import { type DetailsView, renderDetails, stateWords } from '../text/batch-details.js'
import { createPaint } from '../text/paint.js'
import { brakeObject, overBudgetObject } from '../text/summary-object.js'
import { visit } from '../visit.js'
import { outputCanvas } from './output-canvas.js'

/** Between two looks that tell the pace. */
const PACE_MS = 1100

/** `status BATCH`: all that is known of it, once. */
export async function showBatch(wanted: string, config: Config, json: boolean): Promise<void> {
  const view = await visit(config, async (visiting) => look(await findBatch(wanted, visiting, config)))
  if (json) {
    process.stdout.write(`${JSON.stringify(detailsObject(view))}\n`)
    return
  }
  const { columns, colour } = outputCanvas()
  process.stdout.write(`${renderDetails(view, { columns, paint: createPaint(colour) }).join('\n')}\n`)
}

async function look({ manifest, session, directory, replacedBy }: FoundBatch): Promise<DetailsView> {
  const read = () => readBatchSnapshot(session, manifest.batch)
  const meter = createRateMeter({ windowMs: PACE_MS })
  let [batch, queue] = await Promise.all([read(), readQueueSnapshot(session)])
  if (batch?.state === 'running' && queue.workers > 0 && queue.holds.length === 0) {
    meter.sample(performance.now(), batch.completed + batch.failed)
    await new Promise((resolve) => setTimeout(resolve, PACE_MS))
    ;[batch, queue] = await Promise.all([read(), readQueueSnapshot(session)])
    if (batch !== null) meter.sample(performance.now(), batch.completed + batch.failed)
  }
  const ratePerSecond = meter.ratePerSecond()
  const left = batch === null ? 0 : batch.total - batch.completed - batch.failed
  return {
    manifest,
    batch,
    queue,
    here: directory !== null,
    replacedBy,
    ratePerSecond,
    leftMs: estimateLeftMs(left, ratePerSecond),
    nowMs: Date.now(),
  }
}

function detailsObject(view: DetailsView) {
  const { manifest, batch, queue, here, replacedBy, ratePerSecond, leftMs } = view
  return {
    batch: manifest.batch,
    name: manifest.name,
    queue: manifest.queue,
    state: batch?.state ?? null,
    paused: stateWords(view) === 'paused',
    reason: batch?.reason ?? null,
    total: manifest.total,
    completed: batch?.completed ?? null,
    failed: batch?.failed ?? null,
    unfinished: batch?.unfinished ?? null,
    failedByCode: batch?.failedByCode ?? {},
    retries: batch?.retries ?? null,
    throttled: batch?.throttled ?? null,
    usage: batch?.usage ?? null,
    workers: queue.workers,
    holds: queue.holds,
    pace: queue.pace,
    ratePerSecond,
    leftMs,
    createdAt: manifest.createdAt,
    finishedAt: batch?.finishedAt ?? null,
    expiresAt: batch?.expiresAt ?? null,
    brake: brakeObject(batch?.brake ?? null),
    overBudget: overBudgetObject(batch?.overBudget ?? null),
    maxRequests: batch?.maxRequests ?? null,
    maxCostCents: batch?.maxCostCents ?? null,
    costCents: batch?.costCents ?? null,
    input: manifest.input.name,
    output: manifest.output,
    errors: manifest.errors,
    here,
    replacedBy: replacedBy?.batch ?? null,
  }
}
