/** What one round trip carries at most: Redis does nothing else while a script runs. */
const MOST_ITEMS = 50
const MOST_LENGTH = 1_000_000

interface Caller<Item, Answer> {
  readonly item: Item
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/**
 * Callers of one turn of the event loop share a round trip: with hundreds of calls in flight, a trip to Redis for each
 * costs more than everything else that is done for a request.
 * @param groupOf items of one group may share a trip
 * @param send one trip for the items of a group, at most 50; gives an answer for each, in their order
 * @param lengthOf characters of an item; a trip carries little more than a million
 */
export function together<Item, Answer>(
  groupOf: (item: Item) => string,
  send: (group: string, items: readonly Item[]) => Promise<readonly Answer[]>,
  lengthOf: (item: Item) => number = () => 0,
): (item: Item) => Promise<Answer> {
  const groups = new Map<string, { callers: Caller<Item, Answer>[]; length: number }>()

  async function leave(group: string): Promise<void> {
    const callers = groups.get(group)?.callers ?? []
    groups.delete(group)
    try {
      const answers = await send(
        group,
        callers.map(({ item }) => item),
      )
      for (const [i, { resolve }] of callers.entries()) resolve(answers[i] as Answer)
    } catch (error) {
      for (const { reject } of callers) reject(error)
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      const group = groupOf(item)
      const waiting = groups.get(group) ?? { callers: [], length: 0 }
      if (waiting.callers.length === 0) {
        groups.set(group, waiting)
        setImmediate(() => {
          if (groups.get(group) === waiting) void leave(group)
        })
      }
      waiting.callers.push({ item, resolve, reject })
      waiting.length += lengthOf(item)
      if (waiting.callers.length >= MOST_ITEMS || waiting.length >= MOST_LENGTH) void leave(group)
    })
}
