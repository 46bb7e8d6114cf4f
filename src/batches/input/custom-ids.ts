import { digestCustomId, ID_WORDS, LINE_WORD } from './custom-id-digest.js'
import { findRepeated } from './find-repeated.js'
import { createIdSpill, type IdSpill } from './id-spill.js'
import { createRepeatedIds, type RepeatedIds } from './repeated-ids.js'

/** Ids that are kept in memory, in 2 MiB: one block of lines holds no more. */
const KEPT = 128 * 1024

/** Collects the custom_ids of an input, to tell at its end which were used more than once. */
export interface CustomIds {
  /** Makes room for so many ids, which may be added then. */
  room(ids: number): Promise<void>
  /** Lines come in order and go up to 2³² − 1. */
  add(customId: string, line: number): void
  /** Lines whose id stood on an earlier line. */
  repeated(): Promise<RepeatedIds>
  close(): Promise<void>
}

/**
 * Holds no strings, and no more memory for more ids: 16 bytes of each (a digest and the line) are kept, and from
 * 131,072 ids on put aside in a file without a name, sorted into 256 parts, which are looked through one by one at the
 * end. A million ids take 16 MB of disk and 2 MB of memory, a hundred million 1.6 GB and 12 MB.
 * @param directory where such a file may lie
 * @param kept ids that are kept in memory
 */
export function createCustomIds(directory: string, kept = KEPT): CustomIds {
  let records = new Uint32Array(kept * ID_WORDS)
  let count = 0
  let spill: IdSpill | null = null

  const putAside = async (): Promise<IdSpill> => {
    spill ??= await createIdSpill(directory)
    await spill.put(records, count)
    count = 0
    return spill
  }

  return {
    async room(ids) {
      if (count > 0 && count + ids > records.length / ID_WORDS) await putAside()
      if (ids > records.length / ID_WORDS) records = new Uint32Array(ids * ID_WORDS)
    },
    add(customId, line) {
      const at = count * ID_WORDS
      digestCustomId(customId, records, at)
      records[at + LINE_WORD] = line
      count += 1
    },
    async repeated() {
      const repeats = createRepeatedIds()
      if (spill === null) findRepeated(records, count, repeats.add)
      else {
        for await (const part of (await putAside()).parts()) {
          findRepeated(part, part.length / ID_WORDS, repeats.add)
        }
      }
      return repeats.sorted()
    },
    async close() {
      await spill?.close()
    },
  }
}
