/** How many endings to take at once, when a single one may be of any size. */
export interface PortionSize {
  /** For the next portion. Until it is known to be done, the one after it is smaller: it may have been too much. */
  take(): number
  /** The portion is done, and was this large. */
  taken(bytes: number): void
}

export interface PortionLimits {
  readonly first: number
  readonly most: number
  /** A portion that is smaller may grow, one that is larger shrinks. */
  readonly goodBytes: number
}

/** Begins with few, takes more while they are small, and fewer after large ones or after a portion that failed. */
export function createPortionSize({ first, most, goodBytes }: PortionLimits): PortionSize {
  let size = first
  let next = first
  return {
    take() {
      size = next
      next = Math.max(1, Math.floor(size / 2))
      return size
    },
    taken(bytes) {
      next =
        bytes > goodBytes ? Math.max(1, Math.floor(size / 2)) : Math.min(most, bytes > 0 ? size * 2 : size)
    },
  }
}
