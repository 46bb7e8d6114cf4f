import { type FeedLook, lookAtFeed } from '../src/batches/feed-look.js'
import { type FeedRound, startFeedRound } from '../src/batches/feed-round.js'
import type { Session } from '../src/batches/session.js'

/**
 * Looks at a queue and at batches of it, and says which of them to feed how much.
 * @param weigh bytes of the latest so many requests that were fed of a batch
 */
export type FeedBudget = (
  batches: readonly string[],
  weigh: (figures: FeedLook['batches'][number]) => Promise<number>,
) => Promise<FeedRound>

/** What Redis may hold of batches (src/batches/feed-round.ts). */
export function createFeedBudget({ redis, keys, completions }: Session): FeedBudget {
  return async (batches, weigh) => {
    const look = await lookAtFeed(batches, { redis, keys, queue: completions })
    const weighed = []
    for (const figures of look.batches) weighed.push({ ...figures, bytes: await weigh(figures) })
    return startFeedRound(look.queue, weighed)
  }
}
