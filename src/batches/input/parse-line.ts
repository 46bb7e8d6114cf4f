import type { ParsedLine } from './line-problem.js'
import { type InputLine, MAX_LINE_BYTES } from './lines.js'
import { parseRequestLine } from './request-line.js'

/** What a line of the file is: the same function for staging and for reading, so that both always agree. */
export function parseLine(input: InputLine, model: string | null): ParsedLine {
  const { line, fault } = input
  switch (fault) {
    case null:
      return parseRequestLine(input.bytes.toString('utf8'), { line, model })
    case 'line_too_long': {
      const message = `The line is longer than ${MAX_LINE_BYTES / 1024 / 1024} MiB, the most that is read.`
      return { ok: false, customId: null, problem: { code: fault, message, param: null, line } }
    }
    case 'not_utf8': {
      const message = 'The line is not valid UTF-8. Save the file as UTF-8 (not UTF-16 or Latin-1).'
      return { ok: false, customId: null, problem: { code: fault, message, param: null, line } }
    }
  }
}
