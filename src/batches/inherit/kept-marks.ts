import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createDurableFile } from '../input/durable-file.js'
import { codeOf } from '../links.js'

/** Which requests of a batch came with an end from the one whose edited file it is: a bit each. */
const KEPT_FILE = 'kept.bits'

/** @param taken a byte for each request, 1 for those that came with an end */
export async function writeKept(directory: string, taken: Uint8Array): Promise<void> {
  const bits = Buffer.alloc(Math.ceil(taken.length / 8))
  for (const [index, isTaken] of taken.entries()) {
    if (isTaken === 1) bits[index >> 3] = (bits[index >> 3] ?? 0) | (0x80 >> (index & 7))
  }
  const file = await createDurableFile(directory)
  try {
    await file.append(bits)
    await file.commit(KEPT_FILE)
  } catch (error) {
    await file.discard()
    throw error
  }
}

/** Whether the request with an index came with an end; where nobody noted it, none did. */
export async function readKept(directory: string): Promise<(index: number) => boolean> {
  const bits = await readFile(join(directory, KEPT_FILE)).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error
    return Buffer.alloc(0)
  })
  return (index) => ((bits[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0
}
