import { type DataDirectory, findDataDirectory } from '../../batches/data-directory.js'
import { createRequestReader, type ReadRequest } from '../../batches/read-request.js'
import type { StoredDeadLetter } from '../../completions/dead-letters/dead-letter.js'
import { portionsOf } from '../../completions/dead-letters/filing.js'
import { loadConfig } from '../../config.js'
import type { ExportFlags } from '../commands/dead-letters.js'
import { writeNewFile } from '../results/new-file.js'
import { writeToStdout } from '../results/to-stdout.js'
import { formatCounted } from '../text/format.js'
import { oneLine } from '../text/harmless.js'
import { shellPath } from '../text/shell-word.js'
import { suggested } from '../text/suggest.js'
import { visit } from '../visit.js'
import { type Lot, openLots } from './lots.js'

/** What was written. */
interface ExportTally {
  letters: number
  /** Letters whose request can't be had here, and why the first of them can't. */
  withoutBody: number
  reason: string
}

/**
 * `conduit-batch dead-letters export`: dead letters with their requests, a JSON object a line.
 * @throws FileInPlace, FileUnwritable, BatchNotFound, BatchAmbiguous, UnknownQueue
 */
export async function exportLetters(flags: ExportFlags): Promise<void> {
  const config = loadConfig(undefined, flags)
  const tally: ExportTally = { letters: 0, withoutBody: 0, reason: '' }
  await visit(config, async (visiting) => {
    const directory = await findDataDirectory(config.dataDirectory)
    const lines = exportLines(await openLots(visiting, config, flags), directory, tally)
    if (flags.output === undefined) await writeToStdout(lines)
    else await writeNewFile(flags.output, lines, flags.force === true)
  })
  process.stderr.write(`${wordsOf(tally, flags).join('\n')}\n`)
}

async function* exportLines(
  lots: readonly Lot[],
  directory: DataDirectory | null,
  tally: ExportTally,
): AsyncGenerator<Buffer> {
  for (const { queue, session, letters, filter } of lots) {
    const reader = createRequestReader(session, directory)
    try {
      for await (const page of letters.find(filter)) {
        for (const ids of portionsOf(page)) {
          const found = await letters.getMany(ids)
          const requests = await reader.read(found)
          yield Buffer.from(found.map((letter, i) => lineOf(queue, letter, requests[i], tally)).join(''))
        }
      }
    } finally {
      await reader.close()
    }
  }
}

function lineOf(
  queue: string,
  letter: StoredDeadLetter,
  request: ReadRequest | undefined,
  tally: ExportTally,
): string {
  const { id, batch, customId, line, code, failure, attempts, at } = letter
  const { message, status, requestId, envelope } = failure
  const details = envelope?.details as { readonly fields?: unknown } | null | undefined
  const reason = request?.kind === 'missing' ? request.reason : null
  tally.letters++
  if (reason !== null && tally.withoutBody++ === 0) tally.reason = reason
  return `${JSON.stringify({
    id,
    queue,
    batch,
    custom_id: customId,
    line,
    code,
    message,
    fields: details?.fields ?? null,
    status,
    request_id: requestId,
    attempts,
    at,
    body: request?.kind === 'there' ? request.body : null,
    ...(reason === null ? {} : { body_missing: reason }),
  })}\n`
}

function wordsOf({ letters, withoutBody, reason }: ExportTally, { output }: ExportFlags): string[] {
  const count = formatCounted(letters, 'dead letter', 'dead letters')
  const missing =
    withoutBody === 0
      ? []
      : [`${formatCounted(withoutBody, 'has', 'have')} no body there: ${oneLine(reason).replace(/\.$/, '')}.`]
  if (output === undefined) return [`${count} written.`, ...missing]
  const next = 'Mend the bodies, leave out the lines that are not to be sent, then:'
  return [
    `${count} written to ${oneLine(output)}.`,
    ...missing,
    ...(letters === 0
      ? []
      : [`${next} ${suggested(`conduit-batch dead-letters import ${shellPath(output)}`)}`]),
  ]
}
