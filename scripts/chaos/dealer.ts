/** Deals all of them in random order, then all of them again. */
export function dealer<T>(all: readonly T[], random: () => number): () => T {
  let deck: T[] = []
  return () => {
    if (deck.length === 0) deck = [...all]
    return deck.splice(Math.floor(random() * deck.length), 1)[0] as T
  }
}
