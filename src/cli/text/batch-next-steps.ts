import type { Manifest } from '../../batches/manifest.js'
import type { BatchSnapshot, QueueSnapshot } from '../../batches/snapshot.js'
import { askedSteps } from './asked-words.js'
import { deadOf } from './failures.js'
import { goOnWords } from './same-command.js'
import { shellWord } from './shell-word.js'
import { suggested } from './suggest.js'
import { goOnFrom } from './summary-words.js'
import { workCommand } from './workers-words.js'

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
    {
      what: 'See what was wrong, grouped',
      command: suggested(`conduit-batch dead-letters list --batch ${id}`),
    },
    { what: 'Send them again', command: suggested(`conduit-batch retry-failed ${id}`) },
  ]
}

/** The next command to type for a batch, in each of its states. */
export function batchNextSteps({
  manifest,
  batch,
  queue,
  here,
  replacedBy,
}: {
  readonly manifest: Manifest
  readonly batch: BatchSnapshot | null
  readonly queue: QueueSnapshot
  /** Its files lie in this data directory. */
  readonly here: boolean
  /** The batch that took its place. */
  readonly replacedBy: Manifest | null
}): NextSteps {
  if (replacedBy !== null) return ofReplacement(replacedBy)
  const id = shellWord(manifest.batch)
  const results = { what: 'Read the answers', command: suggested(`conduit-batch results ${id}`) }
  const partial = {
    what: 'Read the answers that are there',
    command: suggested(`conduit-batch results ${id} --partial`),
  }
  const again = goOnWords(manifest, here)
  if (batch === null) return withAgain('Redis has forgotten it.', again, [])
  const failed = deadOf(batch) === 0 ? [] : failureCommands(id)
  switch (batch.state) {
    case 'running':
      return steps(
        [],
        [
          ...(queue.workers === 0 ? [{ what: 'Start a worker', command: workCommand() }] : []),
          { what: 'Follow it', command: suggested(`conduit-batch status ${id} --watch`) },
          partial,
          { what: 'End it', command: suggested(`conduit-batch cancel ${id}`) },
        ],
      )
    case 'completed':
      return steps([], [results, ...failed])
    case 'cancelling':
    case 'expiring': {
      const ends =
        'No further call starts. When those in flight have ended, whoever serves its data directory makes error ' +
        'lines of the rest and gives the files their names.'
      return steps(
        [ends],
        [
          {
            what: 'Have that done here, where nobody does',
            command: suggested(`conduit-batch cancel ${id}`),
          },
        ],
      )
    }
    case 'stopped': {
      const asked = askedSteps(batch)
      if (asked === null) return withAgain('First mend what stopped it.', again, [partial])
      const { sentences, commands } = asked
      const look = steps([], [...failed, partial])
      return { sentences: [...sentences, ...look.sentences], commands: [...commands, ...look.commands] }
    }
    case 'replaced':
      return withAgain(null, again, [])
    case 'cancelled':
      return withAgain(null, again, [results, ...failed])
    case 'expired':
      return withAgain(goOnFrom('expired'), again, [results, ...failed])
  }
}

/** The batch that somebody means now. */
function ofReplacement({ batch }: Manifest): NextSteps {
  const id = shellWord(batch)
  return steps(
    [],
    [
      { what: 'See how that one stands', command: suggested(`conduit-batch status ${id}`) },
      { what: 'Read its answers', command: suggested(`conduit-batch results ${id}`) },
    ],
  )
}

function withAgain(
  first: string | null,
  { text, command }: ReturnType<typeof goOnWords>,
  typed: Parameters<typeof steps>[1],
): NextSteps {
  const { sentences, commands } = steps([...(first === null ? [] : [first]), text], typed)
  return { sentences, commands: [...commands, ...(command === null ? [] : [command])] }
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
