import type { Incident } from '../../admission/hold.js'
import { reasonInWords } from '../../alerts/advice.js'
import { formatMoment } from './format.js'
import { oneLine } from './harmless.js'
import { holdAdvice } from './hold-advice.js'
import { endInWords, holdInWords, howLong, reminderWords, waitedWords } from './incident-words.js'
import { type Canvas, labelled } from './layout.js'
import { evidenceWords } from './pause-block.js'

/** What `conduit-batch incidents` prints: a block for each. */
export function renderIncidents(incidents: readonly Incident[], nowMs: number, canvas: Canvas): string[] {
  return incidents.flatMap((incident) => ['', ...block(incident, nowMs, canvas)]).concat('')
}

function block(incident: Incident, nowMs: number, canvas: Canvas): string[] {
  const { holds, openedAt, requestId } = incident
  const evidence = evidenceWords(incident)
  const label = incident.reason === 'storage' ? 'Error' : 'Conduit says'
  return [
    ...headline(incident, canvas),
    ...(evidence === '' ? [] : labelled(label, evidence, canvas)),
    ...(requestId === null ? [] : labelled('Request id', oneLine(requestId), canvas)),
    ...labelled('Since', `${formatMoment(openedAt, nowMs)}, ${howLong(incident)}`, canvas),
    ...labelled('Waited', waitedWords(incident), canvas),
    ...holds.flatMap((hold, index) => labelled(index === 0 ? 'Held' : '', holdInWords(hold, nowMs), canvas)),
    ...optional('Reminders', reminderWords(incident, nowMs), canvas),
    ...optional('End', endInWords(incident, nowMs), canvas),
    ...todo(incident, canvas),
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

function optional(label: string, text: string, canvas: Canvas): string[] {
  return text === '' ? [] : labelled(label, text, canvas)
}

/** For each reason that holds it now. */
function todo({ holds, queue }: Incident, canvas: Canvas): string[] {
  const reasons = new Set(holds.filter(({ liftedAt }) => liftedAt === null).map(({ reason }) => reason))
  return [...reasons].flatMap((reason) => {
    const { sentences, commands } = holdAdvice(reason, queue)
    return sentences.flatMap((sentence, index) =>
      labelled(index === 0 ? 'What to do' : '', sentence, canvas, { commands }),
    )
  })
}
