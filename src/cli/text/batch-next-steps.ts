import type { Manifest } from '../../batches/manifest.js'
import type { BatchSnapshot, QueueSnapshot } from '../../batches/snapshot.js'
import { shellWord } from './shell-word.js'
import { WORK } from './workers-words.js'

/** What a person does next; `commands` are the parts to type. */
export interface NextSteps {
  readonly sentences: readonly string[]
  readonly commands: readonly string[]
}

/** What there is to do about the failures of a batch. */
export function failureCommands(
  batch: string,
): readonly { readonly what: string; readonly command: string }[] {
  const id = shellWord(batch)
  return [
    { what: 'See what was wrong, grouped', command: `conduit-batch dead-letters list --batch ${id}` },
    { what: 'Send them again', command: `conduit-batch retry-failed ${id}` },
  ]
}

/** The next command to type for a batch, in each of its states. */
export function batchNextSteps({
  manifest,
  batch,
  queue,
}: {
  readonly manifest: Manifest
  readonly batch: BatchSnapshot | null
  readonly queue: QueueSnapshot
}): NextSteps {
  const id = shellWord(manifest.batch)
  const results = { what: 'Read the answers', command: `conduit-batch results ${id}` }
  const partial = {
    what: 'Read the answers that are there',
    command: `conduit-batch results ${id} --partial`,
  }
  const again = 'The same run or submit command goes on with it.'
  if (batch === null)
    return steps(['Redis has forgotten it. The same run or submit command tells it again.'], [])
  const failed = batch.failed === 0 ? [] : failureCommands(id)
  switch (batch.state) {
    case 'running':
      return steps(
        [],
        [
          ...(queue.workers === 0 ? [{ what: 'Start a worker', command: WORK }] : []),
          { what: 'Follow it', command: `conduit-batch status ${id} --watch` },
          partial,
          { what: 'End it', command: `conduit-batch cancel ${id}` },
        ],
      )
    case 'completed':
      return steps([], [results, ...failed])
    case 'stopped':
      return steps(
        [`When what stopped it is mended: ${again.charAt(0).toLowerCase()}${again.slice(1)}`],
        [partial],
      )
    case 'cancelled':
    case 'expired':
      return steps([again], [results])
  }
}

function steps(
  sentences: readonly string[],
  typed: readonly { readonly what: string; readonly command: string }[],
): NextSteps {
  return {
    sentences: [...sentences, ...typed.map(({ what, command }) => `${what}: ${command}`)],
    commands: typed.map(({ command }) => command),
  }
}
