import { ID_WORDS, LINE_WORD } from './custom-id-digest.js'

/** Fewer of the slots are used than this part. */
const MAX_LOAD = 0.75

/**
 * Finds records whose digest stood in an earlier record, and tells the line of each and that of the first one. Takes
 * 5 to 11 bytes a record while it looks.
 * @param records in the order of their lines; `count` of them
 */
export function findRepeated(
  records: Uint32Array,
  count: number,
  found: (line: number, firstLine: number) => void,
): void {
  const mask = 2 ** Math.ceil(Math.log2(count / MAX_LOAD + 1)) - 1
  /** Record + 1; 0: the slot is free. */
  const slots = new Uint32Array(mask + 1)
  for (let record = 0; record < count; record += 1) {
    const at = record * ID_WORDS
    let slot = (records[at + 1] as number) & mask
    let first = slots[slot] as number
    while (first !== 0 && !isSame(records, (first - 1) * ID_WORDS, at)) {
      slot = (slot + 1) & mask
      first = slots[slot] as number
    }
    if (first === 0) slots[slot] = record + 1
    else found(records[at + LINE_WORD] as number, records[(first - 1) * ID_WORDS + LINE_WORD] as number)
  }
}

function isSame(records: Uint32Array, one: number, other: number): boolean {
  return (
    records[one] === records[other] &&
    records[one + 1] === records[other + 1] &&
    records[one + 2] === records[other + 2]
  )
}
