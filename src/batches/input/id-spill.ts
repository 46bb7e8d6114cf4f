import { randomBytes } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ID_WORDS } from './custom-id-digest.js'

/** Told apart by the upper byte of a digest's first word. */
const PARTS = 256
const RECORD_BYTES = ID_WORDS * 4

/** Records put aside, to be had again part by part: equal digests are in one part, in the order they were put. */
export interface IdSpill {
  /** Puts the first `count` records aside. */
  put(records: Uint32Array, count: number): Promise<void>
  parts(): AsyncGenerator<Uint32Array, void, undefined>
  close(): Promise<void>
}

/** In a file that has no name any more, so that nothing is left of it whatever happens. */
export async function createIdSpill(directory: string): Promise<IdSpill> {
  const path = join(directory, `${process.pid}-${randomBytes(6).toString('hex')}.ids`)
  const file = await open(path, 'wx+', 0o600)
  await rm(path)
  /** For each `put`, where its parts begin and the last one ends, in records. */
  const puts: Uint32Array[] = []
  let size = 0

  return {
    async put(records, count) {
      const { sorted, begins } = sortedByPart(records, count)
      await writeAll(new Uint8Array(sorted.buffer))
      puts.push(begins)
    },
    async *parts() {
      for (let part = 0; part < PARTS; part += 1) yield await read(part)
    },
    close: () => file.close(),
  }

  async function writeAll(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length; ) {
      const { bytesWritten } = await file.write(bytes, written, bytes.length - written, size + written)
      written += bytesWritten
    }
    size += bytes.length
  }

  async function read(part: number): Promise<Uint32Array> {
    const counts = puts.map((begins) => (begins[part + 1] as number) - (begins[part] as number))
    const records = new Uint32Array(counts.reduce((sum, count) => sum + count, 0) * ID_WORDS)
    let to = 0
    let base = 0
    for (const [at, begins] of puts.entries()) {
      const bytes = new Uint8Array(records.buffer, to, (counts[at] as number) * RECORD_BYTES)
      await readAll(bytes, (base + (begins[part] as number)) * RECORD_BYTES)
      to += bytes.length
      base += begins[PARTS] as number
    }
    return records
  }

  async function readAll(bytes: Uint8Array, from: number): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesRead } = await file.read(bytes, at, bytes.length - at, from + at)
      if (bytesRead === 0) throw new Error(`${path} became shorter than what was written to it`)
      at += bytesRead
    }
  }
}

function sortedByPart(records: Uint32Array, count: number) {
  const begins = new Uint32Array(PARTS + 1)
  const partOf = (record: number) => (records[record * ID_WORDS] as number) >>> 24
  for (let record = 0; record < count; record += 1) {
    const next = partOf(record) + 1
    begins[next] = (begins[next] as number) + 1
  }
  for (let part = 0; part < PARTS; part += 1)
    begins[part + 1] = (begins[part + 1] as number) + (begins[part] as number)
  const ends = begins.slice()
  const sorted = new Uint32Array(count * ID_WORDS)
  for (let record = 0; record < count; record += 1) {
    const part = partOf(record)
    const to = ends[part] as number
    ends[part] = to + 1
    for (let word = 0; word < ID_WORDS; word += 1)
      sorted[to * ID_WORDS + word] = records[record * ID_WORDS + word] as number
  }
  return { sorted, begins }
}
