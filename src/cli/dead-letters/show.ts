import { findDataDirectory } from '../../batches/data-directory.js'
import { createRequestReader, type ReadRequest } from '../../batches/read-request.js'
import { placeOfId } from '../../completions/dead-letters/filing.js'
import { type Config, loadConfig } from '../../config.js'
import type { ShowLetterFlags } from '../commands/dead-letters.js'
import { outputCanvas } from '../status/output-canvas.js'
import { codeAdvice } from '../text/code-advice.js'
import { type LetterView, renderLetter } from '../text/dead-letter-details.js'
import { oneLine } from '../text/harmless.js'
import { createPaint } from '../text/paint.js'
import { shellWord } from '../text/shell-word.js'
import { suggested } from '../text/suggest.js'
import { type Visit, visit } from '../visit.js'
import { openLots } from './lots.js'

/** There is no dead letter with this id. */
export class LetterNotFound extends Error {
  readonly code = 'letter_not_found'
}

/**
 * `conduit-batch dead-letters show`: all that is known of one.
 * @throws LetterNotFound
 */
export async function showLetter(id: string, flags: ShowLetterFlags): Promise<void> {
  const config = loadConfig(undefined, flags)
  const view = await visit(config, (visiting) => look(id, visiting, config))
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(asObject(view))}\n`)
    return
  }
  const { columns, colour } = outputCanvas()
  process.stdout.write(`${renderLetter(view, { columns, paint: createPaint(colour) }).join('\n')}\n`)
}

async function look(id: string, visiting: Visit, config: Config): Promise<LetterView> {
  if (placeOfId(id) === null) throw notFound(id)
  for (const { queue, session, letters } of await openLots(visiting, config, {})) {
    const letter = await letters.get(id)
    if (letter === null) continue
    const reader = createRequestReader(session, await findDataDirectory(config.dataDirectory))
    try {
      const [request] = (await reader.read([letter])) as [ReadRequest]
      const input = (await reader.manifest(letter.batch))?.input.name ?? null
      return { letter: { queue, ...letter }, request, input, nowMs: Date.now() }
    } finally {
      await reader.close()
    }
  }
  throw notFound(id)
}

function notFound(id: string): LetterNotFound {
  return new LetterNotFound(
    `There is no dead letter ${shellWord(oneLine(id))}; it may have been retried or discarded. Those there are: ` +
      suggested('conduit-batch dead-letters list --ids'),
  )
}

function asObject({ letter, request, input }: LetterView) {
  const { body: _, ...known } = letter
  const { means, todo } = codeAdvice(letter.code, letter.failure.status)
  return {
    ...known,
    input,
    body: request.kind === 'there' ? request.body : null,
    bodyMissing: request.kind === 'there' ? null : request.reason,
    means,
    todo,
  }
}
