import { endsByItself } from '../../admission/endings.js'
import type { HoldReason } from '../../admission/hold.js'
import { readPace } from '../../admission/read-pace.js'
import { readLiveWorkers } from '../../batches/live-workers.js'
import type { Session } from '../../batches/session.js'
import type { BatchSnapshot } from '../../batches/snapshot.js'
import { EXIT, type ExitCode } from '../exit.js'
import { createPaint } from '../text/paint.js'
import { pauseBlock } from '../text/pause-block.js'
import { renderSummary } from '../text/summary.js'
import { type RunStatus, summaryObject } from '../text/summary-object.js'
import type { Screen } from './screen.js'

const MOST_INCIDENTS = 50
const WIDEST_COLUMNS = 100

export interface ReportContext {
  readonly screen: Screen
  readonly json: boolean
  /** How long it took, as is told. */
  readonly durationMs: number
  /** Since when incidents are told, by Redis's clock. */
  readonly startedAtRedis: number
}

/** The summary for people, the object for programs, and the exit code for both. */
export async function report(
  session: Session,
  batch: BatchSnapshot,
  status: RunStatus,
  { screen, json, durationMs, startedAtRedis }: ReportContext,
): Promise<ExitCode> {
  const end = { status, durationMs }
  const { incident, holds } = await session.gate.read()
  const past = (await session.gate.pastIncidents(MOST_INCIDENTS)).reverse()
  const incidents = past.filter(({ resolvedAt }) => (resolvedAt ?? 0) >= startedAtRedis)
  if (incident !== null) incidents.push(incident)
  const { endings } = await readLiveWorkers(session)
  const byItself = (reason: HoldReason) => endsByItself(reason, endings)
  const { learnedPerMinute } = await readPace(session.redis, session.keys)
  const columns = screen.columns()
  const canvas = { columns: Math.min(columns, WIDEST_COLUMNS), paint: createPaint(screen.colour) }
  // Without an incident (a person paused) nothing else would say why it waits.
  const unexplained = status === 'paused' && incident === null ? holds : []
  const lines = [
    ...unexplained.flatMap((hold) => [
      '',
      ...pauseBlock(
        { ...hold, byItself: byItself(hold.reason) },
        session.queue,
        Date.now(),
        canvas,
        'PAUSED',
      ),
    ]),
    ...renderSummary(batch, incidents, columns, screen.colour, {
      ...end,
      learnedPerMinute,
      byItself,
      nowMs: Date.now(),
    }),
  ]
  screen.close()
  const stream = json ? process.stderr : process.stdout
  stream.write(`${lines.join('\n')}\n`)
  if (json) process.stdout.write(`${JSON.stringify(summaryObject(batch, end))}\n`)
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
      // The brake and a budget ask a person.
      return batch.brake === null && batch.overBudget === null ? EXIT.error : EXIT.paused
    case 'replaced':
    case 'cancelled':
    case 'expired':
      return EXIT.failures
  }
}
