/** How many endings to take at once, when a single one may be of any size. */
export interface PortionSize {
  /** For the next portion. Until it is known to be done, the one after it is smaller: it may have been too much. */
  take(): number
  /** The portion is done, and was this large. */
  taken(bytes: number): void
}

const FIRST = 20
const MOST = 200
/** A portion that is smaller may grow, one that is larger shrinks. */
const GOOD_BYTES = 8 * 1024 * 1024

/** Begins with few, takes more while they are small, and fewer after large ones or after a portion that failed. */
export function createPortionSize(): PortionSize {
  let size = FIRST
  let next = FIRST
  return {
    take() {
      size = next
      next = Math.max(1, Math.floor(size / 2))
      return size
    },
    taken(bytes) {
      next =
        bytes > GOOD_BYTES ? Math.max(1, Math.floor(size / 2)) : Math.min(MOST, bytes > 0 ? size * 2 : size)
    },
  }
}
