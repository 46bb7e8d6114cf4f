import { endsByItself } from '../admission/endings.js'
import { sumGauges } from '../admission/gauges.js'
import { readPace } from '../admission/read-pace.js'
import { readBrake } from '../completions/brake.js'
import { countJobs } from '../completions/queues.js'
import { batchOptionsSchema } from '../completions/request.js'
import { UNFINISHED_CODES } from '../completions/unfinished.js'
import { readForecast } from '../credits/forecast.js'
import { costOfUsage, usageByModel } from '../credits/model-usage.js'
import { readOverBudget } from './budget/over-budget.js'
import { readLiveWorkers } from './live-workers.js'
import type { Manifest } from './manifest.js'
import type { Session } from './session.js'
import type { BatchSnapshot, BatchState, QueueSnapshot } from './snapshot.js'

/** Where a batch stands; null when Redis does not know it. */
export async function readBatchSnapshot(session: Session, batch: string): Promise<BatchSnapshot | null> {
  const { redis, keys, queue } = session
  const [fields, gatePauses] = await Promise.all([
    redis.hgetall(keys.batch(batch)),
    redis.hget(keys.gate, 'pauses'),
  ])
  if (fields.state === undefined || fields.manifest === undefined) return null
  const manifest = JSON.parse(fields.manifest) as Manifest
  const number = (name: string) => Number(fields[name] ?? 0)
  const failures = Object.entries(fields).filter(([name]) => name.startsWith('failed:'))
  return {
    batch,
    queue,
    state: fields.state as BatchState,
    reason: fields.reason || null,
    total: number('total'),
    fed: number('fed'),
    completed: number('completed'),
    failed: number('failed'),
    unfinished: UNFINISHED_CODES.reduce((sum, code) => sum + number(`failed:${code}`), 0),
    failedByCode: Object.fromEntries(failures.map(([name, count]) => [name.slice(7), Number(count)])),
    retries: number('retries'),
    throttled: number('throttled'),
    maybeBilled: number('maybeBilled'),
    pauses: fields.pauses === undefined ? Number(gatePauses ?? 0) - number('pausesBefore') : number('pauses'),
    usage: {
      prompt_tokens: number('prompt_tokens'),
      completion_tokens: number('completion_tokens'),
      total_tokens: number('total_tokens'),
    },
    createdAt: manifest.createdAt,
    finishedAt: fields.finishedAt === undefined ? null : Number(fields.finishedAt),
    expiresAt: fields.expiresAt === undefined ? null : Number(fields.expiresAt),
    brake: readBrake(fields.braked),
    overBudget: readOverBudget(fields.braked),
    maxRequests: fields.maxRequests === undefined ? null : number('maxRequests'),
    maxCostCents: fields.maxCostCents === undefined ? null : number('maxCostCents'),
    costCents: costSoFar(fields),
    input: manifest.input.name,
    output: manifest.output,
    errors: manifest.errors,
  }
}

/** By the prices of the command that works on it; null when there are none, or not of a model that answered. */
function costSoFar(fields: Readonly<Record<string, string>>): number | null {
  const { prices } = batchOptionsSchema.parse(JSON.parse(fields.options ?? 'null'))
  return prices === undefined ? null : costOfUsage(usageByModel(fields), prices, null)
}

/** Where a queue stands. */
export async function readQueueSnapshot(session: Session): Promise<QueueSnapshot> {
  const { redis, keys, queue, completions } = session
  const [gate, pace, counts, { alive, gauges, endings }, forecast] = await Promise.all([
    session.gate.read(),
    readPace(redis, keys),
    countJobs(completions),
    readLiveWorkers(session),
    readForecast(redis, keys),
  ])
  return {
    queue,
    holds: gate.holds.map((hold) => ({ ...hold, byItself: endsByItself(hold.reason, endings) })),
    probing: gate.probing,
    incident: gate.incident,
    pace: { ...pace, ...sumGauges(gauges, alive) },
    ...counts,
    workers: alive.length,
    forecast,
  }
}
