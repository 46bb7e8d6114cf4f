import { isUtf8 } from 'node:buffer'

const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const TAB = 0x09
const NOTHING = Buffer.alloc(0)

/**
 * Longest line that is read, in bytes without its end. Not a setting: a batch must be read as it was staged.
 * Conversations with images inside reach a few MiB.
 */
export const MAX_LINE_BYTES = 16 * 1024 * 1024

/** One line that is not blank. */
export interface InputLine {
  /** Number in the file, 1-based, blank lines counted. */
  readonly line: number
  /** Where the line begins in the file, in bytes from the file's very start: a BOM counts. */
  readonly offset: number
  /** Where the next line begins: `offset`, the line and its end (LF, CRLF, or none at the end of the file). */
  readonly end: number
  /** The line without its end and without a BOM; empty when it is too long. Shares memory with its block. */
  readonly bytes: Buffer
  readonly fault: 'line_too_long' | 'not_utf8' | null
}

/** A piece of the source and the lines that end in it (the last line may end with the source instead). */
export interface LineBlock {
  readonly offset: number
  readonly bytes: Buffer
  readonly lines: readonly InputLine[]
}

export interface LineOptions {
  readonly maxLineBytes?: number
  /** Number and offset of the first line, when the source is a part of a file. */
  readonly line?: number
  readonly offset?: number
}

/**
 * Cuts a source into lines, one block for each of its buffers, and a last empty one when the last line has no
 * end. Blank lines (nothing, spaces, tabs) are counted and left out. A BOM is skipped at the start of any line, so
 * that files joined with `cat` work and a part of a file reads like the whole. Holds at most one buffer and
 * one line; of a line over `maxLineBytes` nothing is kept.
 */
export async function* readLines(
  source: AsyncIterable<Buffer>,
  options: LineOptions = {},
): AsyncGenerator<LineBlock, void, undefined> {
  const splitter = createLineSplitter(options)
  let offset = options.offset ?? 0
  for await (const bytes of source) {
    yield { offset, bytes, lines: splitter.push(bytes) }
    offset += bytes.length
  }
  const last = splitter.end()
  if (last.length > 0) yield { offset, bytes: NOTHING, lines: last }
}

function createLineSplitter(options: LineOptions) {
  const maxLineBytes = options.maxLineBytes ?? MAX_LINE_BYTES
  let number = options.line ?? 1
  let start = options.offset ?? 0
  let held: Buffer[] = []
  let heldBytes = 0

  // One more than allowed, because the last byte held may be the CR of a line end.
  const overflown = () => heldBytes > maxLineBytes + 1

  const hold = (bytes: Buffer) => {
    heldBytes += bytes.length
    if (overflown()) held = []
    else if (bytes.length > 0) held.push(Buffer.from(bytes))
  }

  const release = (rest: Buffer): Buffer => {
    const whole = held.length === 0 ? rest : Buffer.concat([...held, rest])
    held = []
    heldBytes = 0
    return whole
  }

  const add = (lines: InputLine[], raw: Buffer | null, size: number, valid: boolean) => {
    const line = number
    const offset = start
    const end = start + size
    number += 1
    start = end
    const content = raw === null ? null : withoutCr(raw)
    if (content === null || content.length > maxLineBytes) {
      lines.push({ line, offset, end, bytes: NOTHING, fault: 'line_too_long' })
      return
    }
    const bytes = withoutBom(content)
    // No spread of a common part: it costs more than all the rest of a line.
    if (!isBlank(bytes)) {
      lines.push({ line, offset, end, bytes, fault: valid || isUtf8(bytes) ? null : 'not_utf8' })
    }
  }

  const addAll = (lines: InputLine[], block: Buffer) => {
    const valid = isUtf8(block)
    let from = 0
    while (from < block.length) {
      const lf = block.indexOf(LF, from)
      add(lines, block.subarray(from, lf), lf + 1 - from, valid)
      from = lf + 1
    }
  }

  return {
    /** The lines that end in these bytes, which may be reused afterwards only once the lines are done with. */
    push(bytes: Buffer): InputLine[] {
      const cut = bytes.lastIndexOf(LF) + 1
      const lines: InputLine[] = []
      if (cut === 0) {
        hold(bytes)
        return lines
      }
      let from = 0
      if (overflown()) {
        from = bytes.indexOf(LF) + 1
        add(lines, null, heldBytes + from, true)
        heldBytes = 0
      }
      addAll(lines, release(bytes.subarray(from, cut)))
      hold(bytes.subarray(cut))
      return lines
    },

    /** The last line, when the source doesn't end with a line end. */
    end(): InputLine[] {
      const lines: InputLine[] = []
      const size = heldBytes
      const raw = overflown() ? null : release(NOTHING)
      if (size > 0) add(lines, raw, size, false)
      return lines
    },
  }
}

function withoutCr(bytes: Buffer): Buffer {
  const last = bytes.length - 1
  return bytes[last] === CR ? bytes.subarray(0, last) : bytes
}

function withoutBom(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes
}

function isBlank(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]
    if (byte !== SPACE && byte !== TAB && byte !== CR) return false
  }
  return true
}
