import type { WorkerEvent } from '../../../workers/events.js'
import type { Role } from '../../../workers/role.js'
import { redisWords } from '../../redis/watch.js'
import { formatCounted, formatDuration, formatMoment } from '../text/format.js'
import { oneLine } from '../text/harmless.js'
import { type Canvas, labelled } from '../text/layout.js'
import { OUTAGE_REST, outageHeadline, outageOver } from '../text/pace-words.js'
import { pauseBlock } from '../text/pause-block.js'
import { suggested } from '../text/suggest.js'

const ROLE_WORDS: Readonly<Record<Role, string>> = {
  completion: 'makes the calls',
  batch: 'feeds and collects batches',
  alert: 'sends alerts',
}

/** An event of a process of workers, for the person at its terminal. */
export function eventLines(event: WorkerEvent, nowMs: number, canvas: Canvas): string[] {
  const at = (text: string) => labelled(formatMoment(nowMs, nowMs), text, canvas)
  switch (event.kind) {
    case 'started':
      return [
        ...at(startedWords(event)),
        ...labelled('', 'Ctrl-C stops it in order: calls in flight finish first.', canvas),
      ]
    case 'not_started':
      return at(notStartedWords(event))
    case 'queue_started':
      return at(`At work for queue ${event.queue} too.`)
    case 'paused':
      return ['', ...pausedLines(event, nowMs, canvas), '']
    case 'resumed':
      return at(
        `Queue ${event.queue} is open again: ${event.probing ? 'one call goes first, then all.' : 'it goes on.'}`,
      )
    case 'outage':
      return at(`Queue ${event.queue}: ${outageHeadline(event.since, nowMs)} ${OUTAGE_REST}`)
    case 'outage_ended':
      return at(`Queue ${event.queue}: ${outageOver(event.since, nowMs)}`)
    case 'lacking':
      return at(lackingWords(event))
    case 'stopping':
      return at(stoppingWords(event))
    case 'stopped':
      return at(stoppedWords[event.how])
    case 'redis':
      return at(redisWords(event.change))
    case 'trouble':
      return at(oneLine(event.text))
  }
}

function startedWords({ queues, roles, dataDirectory }: Extract<WorkerEvent, { kind: 'started' }>): string {
  const does = roles.map((role) => ROLE_WORDS[role]).join(', ')
  const whose = queues.length === 1 ? `queue ${queues[0]}` : `queues ${queues.join(', ')}`
  const where = dataDirectory === null ? '' : ` Batches of ${oneLine(dataDirectory)}.`
  return `At work for ${whose}: ${does}.${where}`
}

function notStartedWords({ queue, text, again }: Extract<WorkerEvent, { kind: 'not_started' }>): string {
  const next = again ? 'It starts as soon as that is mended.' : 'Start this again once that is mended.'
  return `Queue ${queue} has not started. ${oneLine(text)}. ${next}`
}

function pausedLines(
  { queue, holds }: Extract<WorkerEvent, { kind: 'paused' }>,
  nowMs: number,
  canvas: Canvas,
): string[] {
  return holds.flatMap((hold, index) =>
    pauseBlock(hold, queue, nowMs, canvas, index === 0 ? 'PAUSED' : 'AND'),
  )
}

function lackingWords(event: Extract<WorkerEvent, { kind: 'lacking' }>): string {
  const option = event.queue === 'default' ? '' : ` --queue ${event.queue}`
  const start = suggested(`conduit-batch work --roles ${event.role}${option}`)
  if (event.role === 'completion')
    return `Nobody makes calls for queue ${event.queue}. Start it with: ${start}`
  if ('inbox' in event) {
    const waits = formatCounted(event.inbox, 'single request waits', 'single requests wait')
    return `${waits} in queue ${event.queue} for a worker that keeps answers and feeds retries. Start it with: ${start}`
  }
  const [first = '', ...others] = event.batches
  const more = others.length === 0 ? '' : ` and ${formatCounted(others.length, 'other', 'others')}`
  const output = oneLine(event.output)
  const which = `batch ${first}${output === '' ? '' : ` (${output})`}${more} of queue ${event.queue}`
  return `Nobody feeds and collects ${which}. Start this in the directory where it was handed in: ${start}`
}

function stoppingWords({ why, inFlight, finishMs }: Extract<WorkerEvent, { kind: 'stopping' }>): string {
  if (why === 'idle') return 'Nothing is left to do.'
  if (inFlight <= 0) return 'Stopping.'
  const calls = formatCounted(inFlight, 'call in flight may', 'calls in flight may')
  return `Stopping: ${calls} finish, for ${formatDuration(finishMs)} at most. Ctrl-C again leaves at once.`
}

const stoppedWords = {
  in_order: 'Stopped. Nothing is lost: the next workers go on from here.',
  left: 'Redis does not answer, so this process leaves as it is. The next workers go on from here.',
} as const
