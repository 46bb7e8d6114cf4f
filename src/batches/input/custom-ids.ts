import { hash } from 'node:crypto'

const INITIAL_SLOTS = 1024
const MAX_LOAD = 0.75

export interface CustomIdIndex {
  /** Null when the id is new; else the line that used it first, and nothing changes. */
  add(customId: string, line: number): number | null
}

/**
 * Which custom_ids were seen, and on which line first. Holds no strings: 64 bits of each id's SHA-256 and the
 * line, 12 bytes a slot in an open-addressing table that doubles at three quarters (a million ids: 24 MiB, 36 MiB
 * while it doubles). Two different ids are taken for one with a probability of n²/2⁶⁵: about 3 in 10⁸ for
 * a million ids, 3 in 10⁶ for ten million. The second of them would be refused as a duplicate; none is mixed up.
 * Lines go up to 2³² − 1.
 */
export function createCustomIdIndex(): CustomIdIndex {
  let table = createTable(INITIAL_SLOTS)
  let used = 0

  return {
    add(customId, line) {
      // One character a byte: asking for a Buffer costs more than twice as much.
      const digest = hash('sha256', customId, 'binary')
      const high = lane(digest, 0)
      const low = lane(digest, 4)
      const slot = findSlot(table, high, low)
      const first = table.lines[slot] as number
      if (first !== 0) return first
      put(table, slot, high, low, line)
      used += 1
      if (used > table.lines.length * MAX_LOAD) table = doubled(table)
      return null
    },
  }
}

/** 32 bits of a digest. */
function lane(digest: string, at: number): number {
  const high = (digest.charCodeAt(at) << 24) | (digest.charCodeAt(at + 1) << 16)
  return (high | (digest.charCodeAt(at + 2) << 8) | digest.charCodeAt(at + 3)) >>> 0
}

interface Table {
  readonly highs: Uint32Array
  readonly lows: Uint32Array
  /** 0: the slot is free. */
  readonly lines: Uint32Array
}

function createTable(slots: number): Table {
  return { highs: new Uint32Array(slots), lows: new Uint32Array(slots), lines: new Uint32Array(slots) }
}

function findSlot({ highs, lows, lines }: Table, high: number, low: number): number {
  const mask = lines.length - 1
  let slot = low & mask
  while (lines[slot] !== 0 && (lows[slot] !== low || highs[slot] !== high)) slot = (slot + 1) & mask
  return slot
}

function put(table: Table, slot: number, high: number, low: number, line: number): void {
  table.highs[slot] = high
  table.lows[slot] = low
  table.lines[slot] = line
}

function doubled(table: Table): Table {
  const larger = createTable(table.lines.length * 2)
  for (let slot = 0; slot < table.lines.length; slot += 1) {
    const line = table.lines[slot] as number
    if (line === 0) continue
    const high = table.highs[slot] as number
    const low = table.lows[slot] as number
    put(larger, findSlot(larger, high, low), high, low, line)
  }
  return larger
}
