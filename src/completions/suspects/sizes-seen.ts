/** What a refused request is compared with: the sizes that were answered, and those that nothing paid for, by model. */
export interface SizesSeen {
  answered(model: string, size: number, atMs: number): void
  /** It was found to cost more than is left. @param balanceCents what was left; null: not known */
  unaffordable(model: string, size: number, balanceCents: number | null): void
  /** One more 402. */
  refused(): void
  /** As large ones of its model were answered: that it is refused says more of the account than of the request. */
  isUsual(model: string, size: number): boolean
  /** Four times as large as any of its model that was answered, and some were. */
  isFarLarger(model: string, size: number): boolean
  /** Four times as large as any of its model, though others were answered within the last minute. */
  isOutsized(model: string, size: number, atMs: number): boolean
  /** As large as one that was found unaffordable; no more is left than then, and others are answered all the while. */
  isUnaffordable(model: string, size: number, balanceCents: number, atMs: number): boolean
}

const OUTSIZED = 4
const LATELY_MS = 60_000
/** Refusals without an answer in between: more may mean that the account is empty by now. */
const MOST_IN_ROW = 20
/** A worker may see any number of models. */
const MOST_MODELS = 200

interface Unaffordable {
  readonly size: number
  readonly balanceCents: number
}

/** What this process saw. */
export function createSizesSeen(): SizesSeen {
  const largest = new Map<string, number>()
  const beyond = new Map<string, Unaffordable>()
  let lastAtMs = Number.NEGATIVE_INFINITY
  let refusedInRow = 0

  const isUsual = (model: string, size: number): boolean => size <= (largest.get(model) ?? -1)
  const isLately = (atMs: number): boolean => atMs - lastAtMs < LATELY_MS

  return {
    answered(model, size, atMs) {
      lastAtMs = atMs
      refusedInRow = 0
      if (size >= (largest.get(model) ?? -1)) remember(largest, model, size)
    },
    unaffordable(model, size, balanceCents) {
      // It was just found out that the account is not empty.
      refusedInRow = 0
      if (balanceCents === null) return
      const known = beyond.get(model)
      if (known === undefined || size < known.size || balanceCents > known.balanceCents) {
        remember(beyond, model, { size, balanceCents })
      }
    },
    refused() {
      refusedInRow++
    },
    isUsual,
    isFarLarger: (model, size) =>
      largest.has(model) && size >= OUTSIZED * Math.max(1, largest.get(model) ?? 0),
    isOutsized: (model, size, atMs) =>
      isLately(atMs) && size >= OUTSIZED * Math.max(1, largest.get(model) ?? 0),
    isUnaffordable(model, size, balanceCents, atMs) {
      const known = beyond.get(model)
      if (known === undefined || size < known.size || isUsual(model, size)) return false
      return balanceCents <= known.balanceCents && isLately(atMs) && refusedInRow <= MOST_IN_ROW
    },
  }
}

function remember<T>(seen: Map<string, T>, model: string, what: T): void {
  if (seen.size >= MOST_MODELS && !seen.has(model)) seen.clear()
  seen.set(model, what)
}
