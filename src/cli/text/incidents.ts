import type { HoldReason, Incident } from '../../admission/hold.js'
import { reasonInWords } from '../../alerts/advice.js'
import { formatCounted } from './format.js'
import { oneLine } from './harmless.js'
import { holdAdvice } from './hold-advice.js'
import { endInWords, holdInWords, reminderWords, sinceWords, waitedWords } from './incident-words.js'
import { type Canvas, labelled } from './layout.js'
import { evidenceWords } from './pause-block.js'

const MOST_HOLDS = 6

/** Whether a hold of a queue ends by itself when its cause has gone. */
export type EndsThere = (reason: HoldReason, queue: string) => boolean

/** What `conduit-batch incidents` prints: a block for each. */
export function renderIncidents(
  incidents: readonly Incident[],
  nowMs: number,
  canvas: Canvas,
  endsThere: EndsThere,
): string[] {
  return incidents.flatMap((incident) => ['', ...block(incident, nowMs, canvas, endsThere)]).concat('')
}

function block(incident: Incident, nowMs: number, canvas: Canvas, endsThere: EndsThere): string[] {
  const { requestId } = incident
  const evidence = evidenceWords(incident)
  const label = incident.reason === 'storage' ? 'Error' : 'Conduit says'
  return [
    ...headline(incident, canvas),
    ...(evidence === '' ? [] : labelled(label, evidence, canvas)),
    ...(requestId === null ? [] : labelled('Request id', oneLine(requestId), canvas)),
    ...labelled('Since', sinceWords(incident, nowMs), canvas),
    ...labelled('Waited', waitedWords(incident), canvas),
    ...holdLines(incident, nowMs).flatMap((line, index) => labelled(index === 0 ? 'Held' : '', line, canvas)),
    ...optional('Reminders', reminderWords(incident, nowMs), canvas),
    ...optional('End', endInWords(incident, nowMs), canvas),
    ...todo(incident, canvas, endsThere),
    ...labelled('Incident', oneLine(incident.id), canvas),
  ]
}

function headline({ reason, queue, resolvedAt }: Incident, canvas: Canvas): string[] {
  const where = queue === 'default' ? '' : ` (queue ${oneLine(queue)})`
  const text = `${reasonInWords(reason)}${where}`
  return resolvedAt === null
    ? labelled('OPEN', text, canvas, { tone: 'alert', labelTone: 'alert' })
    : labelled('OVER', text, canvas)
}

/** Of very many the first and the last ones. */
function holdLines({ holds }: Incident, nowMs: number): string[] {
  const lines = holds.map((hold) => holdInWords(hold, nowMs))
  const left = lines.length - MOST_HOLDS
  if (left <= 0) return lines
  const more = `… ${formatCounted(left, 'more', 'more')} in between; --json tells all that are kept`
  return [...lines.slice(0, 1), more, ...lines.slice(left + 1)]
}

function optional(label: string, text: string, canvas: Canvas): string[] {
  return text === '' ? [] : labelled(label, text, canvas)
}

/** For each reason that holds it now. */
function todo({ holds, queue }: Incident, canvas: Canvas, endsThere: EndsThere): string[] {
  const reasons = new Set(holds.filter(({ liftedAt }) => liftedAt === null).map(({ reason }) => reason))
  return [...reasons].flatMap((reason) => {
    const { sentences, commands } = holdAdvice(reason, queue, endsThere(reason, queue))
    return sentences.flatMap((sentence, index) =>
      labelled(index === 0 ? 'What to do' : '', sentence, canvas, { commands }),
    )
  })
}
