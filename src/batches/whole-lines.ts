const NEWLINE = 0x0a

/** Whole lines without their ends, and how many bytes they took with them. */
export interface LinePortion {
  readonly lines: readonly string[]
  readonly bytes: number
}

/**
 * Cuts what we once wrote into its lines, portion by portion; a torn last line is not among them. For a user's
 * files, which may hold anything, there is `input/lines.ts`.
 */
export async function* wholeLines(
  source: AsyncIterable<Buffer>,
): AsyncGenerator<LinePortion, void, undefined> {
  let rest = Buffer.alloc(0)
  for await (const part of source) {
    const bytes = rest.length === 0 ? part : Buffer.concat([rest, part])
    const end = bytes.lastIndexOf(NEWLINE) + 1
    rest = Buffer.from(bytes.subarray(end))
    if (end > 0) yield { lines: bytes.toString('utf8', 0, end - 1).split('\n'), bytes: end }
  }
}
