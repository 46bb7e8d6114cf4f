/** Lines whose custom_id stood on an earlier line, in the order of lines. */
export interface RepeatedIds {
  readonly count: number
  /** The first at or behind a line (a place to begin with), as a number from 0 to `count`. */
  from(line: number): number
  line(at: number): number
  /** Where its id was used first. */
  firstLine(at: number): number
}

const INITIAL = 1024

/** Takes pairs of lines in any order, 8 bytes each. */
export function createRepeatedIds() {
  let pairs = new BigUint64Array(INITIAL)
  let count = 0
  return {
    add(line: number, firstLine: number): void {
      if (count === pairs.length) pairs = grown(pairs)
      pairs[count] = (BigInt(line) << 32n) | BigInt(firstLine)
      count += 1
    },
    sorted(): RepeatedIds {
      const sorted = pairs.subarray(0, count).sort()
      const line = (at: number) => Number((sorted[at] as bigint) >> 32n)
      return {
        count,
        line,
        firstLine: (at) => Number((sorted[at] as bigint) & 0xffffffffn),
        from(wanted) {
          let [low, high] = [0, count]
          while (low < high) {
            const middle = Math.floor((low + high) / 2)
            if (line(middle) < wanted) low = middle + 1
            else high = middle
          }
          return low
        },
      }
    },
  }
}

function grown(pairs: BigUint64Array): BigUint64Array<ArrayBuffer> {
  const larger = new BigUint64Array(pairs.length * 2)
  larger.set(pairs)
  return larger
}
