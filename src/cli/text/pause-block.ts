import type { Hold } from '../../admission/hold.js'
import { reasonInWords } from '../../alerts/advice.js'
import type { HoldNow } from '../../batches/snapshot.js'
import type { Forecast } from '../../credits/forecast.js'
import { costToFinishLines } from './credits-words.js'
import { formatDuration, formatMoment } from './format.js'
import { oneLine } from './harmless.js'
import { holdAdvice } from './hold-advice.js'
import { type Canvas, type Look, labelled } from './layout.js'
import { truncate } from './width.js'

const LONGEST_MESSAGE = 300

/**
 * All that a person has to know about one hold: why, on what evidence, since when, and what to do.
 * `heading` stands before the reason: `PAUSED`, or `AND` for a further hold. `forecast`: null where nobody can tell.
 */
export function pauseBlock(
  hold: HoldNow,
  queue: string,
  nowMs: number,
  canvas: Canvas,
  heading: string,
  forecast: Forecast | null = null,
): string[] {
  return [
    ...headline(hold, queue, canvas, heading),
    ...evidence(hold, canvas),
    ...labelled('Since', sinceWords(hold, nowMs), canvas),
    ...(hold.reason === 'credits' ? costToFinishLines(forecast, canvas) : []),
    ...reopening(hold, nowMs, canvas),
    ...todo(hold, queue, canvas),
  ]
}

/** When a pause began and how long it has lasted: `14:02:11, for 3 min 20 s`. */
export function sinceWords(hold: Hold, nowMs: number): string {
  return `${formatMoment(hold.since, nowMs)}, for ${formatDuration(nowMs - hold.since)}`
}

/** What the hold was placed on, safe to show: `Insufficient funds (BILLING_INSUFFICIENT_FUNDS)`. */
export function evidenceWords({ message, code }: Pick<Hold, 'message' | 'code'>): string {
  const said = truncate(oneLine(message), LONGEST_MESSAGE)
  const known = truncate(oneLine(code), LONGEST_MESSAGE)
  if (said === '') return known
  return known === '' ? said : `${said} (${known})`
}

function headline(hold: Hold, queue: string, canvas: Canvas, heading: string): string[] {
  const where = queue === 'default' ? '' : ` (queue ${oneLine(queue)})`
  const look: Look = { tone: 'alert', labelTone: 'alert' }
  return labelled(heading, `${reasonInWords(hold.reason)}${where}`, canvas, look)
}

function evidence(hold: Hold, canvas: Canvas): string[] {
  if (hold.reason === 'person') return personSaid(hold, canvas)
  const words = evidenceWords(hold)
  const label = hold.reason === 'storage' ? 'Error' : 'Conduit says'
  return [
    ...(words === '' ? [] : labelled(label, words, canvas)),
    ...(hold.requestId === null ? [] : labelled('Request id', oneLine(hold.requestId), canvas)),
  ]
}

function personSaid(hold: Hold, canvas: Canvas): string[] {
  const by = oneLine(hold.by)
  const said = truncate(oneLine(hold.message), LONGEST_MESSAGE)
  return [
    ...(by === '' ? [] : labelled('By', by, canvas)),
    ...(said === '' ? [] : labelled('They say', said, canvas)),
  ]
}

function reopening({ reason, until, byItself }: HoldNow, nowMs: number, canvas: Canvas): string[] {
  if (until === null || !byItself) return []
  const inHowLong = until > nowMs ? `in ${formatDuration(until - nowMs)}` : 'any moment now'
  const label = reason === 'spending_limit' ? 'Next try' : 'Reopens'
  return labelled(label, `${formatMoment(until, nowMs)}, ${inHowLong}, by itself`, canvas)
}

function todo(hold: HoldNow, queue: string, canvas: Canvas): string[] {
  const { sentences, commands } = holdAdvice(hold.reason, queue, hold.byItself)
  return sentences.flatMap((sentence, index) =>
    labelled(index === 0 ? 'What to do' : '', sentence, canvas, { commands }),
  )
}
