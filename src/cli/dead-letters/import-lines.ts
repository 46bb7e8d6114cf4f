import { stdin } from 'node:process'
import { readFileBytes, withInputErrors } from '../../batches/input/file-bytes.js'
import { type InputLine, readLines } from '../../batches/input/lines.js'
import { parseRequestLine } from '../../batches/input/request-line.js'
import { placeOfId } from '../../completions/dead-letters/filing.js'

/** A line of the file that asks for a retry. */
export interface ImportLine {
  readonly line: number
  readonly id: string
  readonly body: Readonly<Record<string, unknown>>
  /** Of the line, for portions of a bearable size. */
  readonly bytes: number
}

/** A line that can't be taken, and why. */
export interface RefusedLine {
  readonly line: number
  readonly why: string
}

export interface ImportPortion {
  readonly lines: readonly ImportLine[]
  readonly refused: readonly RefusedLine[]
}

/** Lines that are retried at once, at most. */
const MOST_LINES = 200
const MOST_BYTES = 1024 * 1024

/**
 * Reads the lines to import, in portions; no id twice in the whole file.
 * @param file a path, or `-`
 * @throws InputNotFound, InputUnreadable
 */
export async function* importLines(file: string): AsyncGenerator<ImportPortion> {
  const source = file === '-' ? withInputErrors(stdin as AsyncIterable<Buffer>, 'stdin') : readFileBytes(file)
  const seen = new Map<string, number>()
  let lines: ImportLine[] = []
  let refused: RefusedLine[] = []
  let bytes = 0
  for await (const block of readLines(source)) {
    for (const input of block.lines) {
      const read = checked(readLine(input), seen)
      if ('why' in read) refused.push(read)
      else lines.push(read)
      bytes += input.bytes.length
      if (lines.length + refused.length < MOST_LINES && bytes < MOST_BYTES) continue
      yield { lines, refused }
      lines = []
      refused = []
      bytes = 0
    }
  }
  if (lines.length + refused.length > 0) yield { lines, refused }
}

function checked(read: ImportLine | RefusedLine, seen: Map<string, number>): ImportLine | RefusedLine {
  if ('why' in read) return read
  const before = seen.get(read.id)
  if (before !== undefined) return { line: read.line, why: `line ${before} has the same id ${read.id}` }
  seen.set(read.id, read.line)
  return read
}

/** `why` never quotes the line. */
function readLine({ line, bytes, fault }: InputLine): ImportLine | RefusedLine {
  const refuse = (why: string): RefusedLine => ({ line, why })
  if (fault !== null) return refuse(fault === 'not_utf8' ? 'it is not UTF-8' : 'it is longer than 16 MiB')
  const value = parsed(bytes.toString('utf8'))
  if (typeof value !== 'object' || value === null) return refuse('it is not one complete JSON object')
  const { id, body } = value as { readonly id?: unknown; readonly body?: unknown }
  if (typeof id !== 'string' || placeOfId(id) === null) {
    return refuse('it has no "id" of a dead letter, as dead-letters export writes it')
  }
  if (body === undefined || body === null) return refuse('it has no "body": that is the request to send')
  const request = parseRequestLine(JSON.stringify({ body }), { line, model: null })
  if (!request.ok) return refuse(request.problem.message)
  return { line, id, body: request.body, bytes: bytes.length }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // what is wrong is said by whoever asked
  }
}
