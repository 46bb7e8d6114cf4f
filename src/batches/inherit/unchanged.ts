import { LINE_WORD, RECORD_WORDS, type RequestIndex } from '../input/request-index.js'

/** Fewer of the slots are used than this part. */
const MAX_LOAD = 0.5

/** Finds requests of a batch by what they are. */
export interface RequestTable {
  /** The index of the request with the custom_id and body of that record; -1 when there is none. */
  find(other: RequestIndex, index: number): number
  /** The line of a request in its input, 1-based. */
  lineOf(index: number): number
}

/** Builds the table of a batch: 8 to 16 bytes a request beside its index. */
export function createRequestTable(index: RequestIndex): RequestTable {
  const count = index.length / RECORD_WORDS
  const mask = 2 ** Math.ceil(Math.log2(count / MAX_LOAD + 1)) - 1
  /** Request + 1; 0: the slot is free. */
  const slots = new Uint32Array(mask + 1)
  for (let request = 0; request < count; request++) {
    if (!isSendable(index, request)) continue
    let slot = beginning(index, request, mask)
    while (slots[slot] !== 0) slot = (slot + 1) & mask
    slots[slot] = request + 1
  }
  return {
    find(other, wanted) {
      if (!isSendable(other, wanted)) return -1
      for (let slot = beginning(other, wanted, mask); slots[slot] !== 0; slot = (slot + 1) & mask) {
        const request = (slots[slot] as number) - 1
        if (isSame(index, request, other, wanted)) return request
      }
      return -1
    },
    lineOf: (request) => index[request * RECORD_WORDS + LINE_WORD] as number,
  }
}

/** Whether a request of another batch is in the table unchanged. */
export function hasUnchanged(table: RequestTable, other: RequestIndex): boolean {
  for (let request = 0; request < other.length / RECORD_WORDS; request++) {
    if (table.find(other, request) >= 0) return true
  }
  return false
}

/** Also false for one that was never noted. */
function isSendable(index: RequestIndex, request: number): boolean {
  return (index[request * RECORD_WORDS + LINE_WORD] ?? 0) !== 0
}

function beginning(index: RequestIndex, request: number, mask: number): number {
  return (index[request * RECORD_WORDS] as number) & mask
}

/** Custom_id and body; not the line, which an edit may have moved. */
function isSame(one: RequestIndex, request: number, other: RequestIndex, wanted: number): boolean {
  for (let word = 0; word < RECORD_WORDS; word++) {
    if (word === LINE_WORD) continue
    if (one[request * RECORD_WORDS + word] !== other[wanted * RECORD_WORDS + word]) return false
  }
  return true
}
