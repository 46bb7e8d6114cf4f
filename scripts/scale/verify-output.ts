import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { indexInLine } from './prompts-file.js'

/** What two files hold of the prompts that were asked. */
export interface FoundLines {
  readonly answers: number
  readonly failures: number
  /** Prompts without a line. */
  readonly lost: number
  /** Lines beyond the first of each prompt. */
  readonly doubled: number
  /** Lines about no prompt of the input. */
  readonly strange: number
}

/** Reads both files of a batch once, with a bit a prompt; absent files have no lines. */
export async function verifyOutput(results: string, errors: string, prompts: number): Promise<FoundLines> {
  const seen = new Uint8Array(Math.ceil(prompts / 8))
  const counts = { doubled: 0, strange: 0, distinct: 0 }
  const look = (line: string) => {
    const index = indexInLine(line)
    const bit = 1 << (index & 7)
    const byte = seen[index >> 3] ?? 0
    if (index < 0 || index >= prompts) counts.strange += 1
    else if ((byte & bit) !== 0) counts.doubled += 1
    else {
      seen[index >> 3] = byte | bit
      counts.distinct += 1
    }
  }
  const answers = await eachLine(results, look)
  const failures = await eachLine(errors, look)
  const { doubled, strange, distinct } = counts
  return { answers, failures, lost: prompts - distinct, doubled, strange }
}

async function eachLine(path: string, look: (line: string) => void): Promise<number> {
  let lines = 0
  try {
    const input = createReadStream(path, { encoding: 'latin1', highWaterMark: 1 << 20 })
    for await (const line of createInterface({ input })) {
      lines += 1
      look(line)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return lines
}
