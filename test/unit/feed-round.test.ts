import { describe, expect, it } from 'vitest'
import type { QueueFigures } from '../../src/batches/feed-look.js'
import { type FeedableBatch, type FeedRound, startFeedRound } from '../../src/batches/feed-round.js'

const MIB = 1024 * 1024
const QUEUE: QueueFigures = { waiting: 0, active: 0, delayed: 0, ratePerSecond: 0, turn: 10 }
const NEW: FeedableBatch = { batch: 'new', fed: 0, unfed: 1000, open: 0, uncollected: 0, turn: 0, bytes: 0 }
/** One of which much waits. */
const AHEAD: FeedableBatch = { ...NEW, batch: 'ahead', fed: 3000, open: 3000, turn: 60 }

/** Feeds as the round says, each request of so many bytes; gives how many each batch got. */
function feedAll(round: FeedRound, requestBytes = 1000): Record<string, number> {
  const got: Record<string, number> = {}
  const turns = new Map<string, number>()
  for (let next = round.next(); next !== null; next = round.next()) {
    const { batch, most } = next
    got[batch] = (got[batch] ?? 0) + most
    turns.set(batch, (turns.get(batch) ?? QUEUE.turn) + Math.ceil(most / 32))
    round.fed(batch, { count: most, bytes: most * requestBytes, turn: turns.get(batch) ?? 0 })
  }
  return got
}

describe('a round of feeding', () => {
  it('gives a batch that is alone what is missing to two seconds of the pace, at once', () => {
    const round = startFeedRound({ ...QUEUE, ratePerSecond: 150 }, [{ ...NEW, unfed: 5000 }])
    expect(round.next()).toEqual({ batch: 'new', most: 300 })
  })

  it('gives several batches portions by turns, the one that is due first being first', () => {
    const later = { ...NEW, batch: 'later', turn: 14 }
    const round = startFeedRound({ ...QUEUE, ratePerSecond: 300 }, [later, NEW])
    expect(feedAll(round)).toEqual({ new: 300, later: 300 })
  })

  it('gives a batch that comes one portion when others have reached the bounds, until all of them are at a higher one', () => {
    const full = { ...QUEUE, waiting: 2000, ratePerSecond: 1000 }
    const many = Array.from({ length: 30 }, (_, n) => ({ ...NEW, batch: `new-${n}`, unfed: 10_000 }))
    const got = feedAll(startFeedRound(full, [{ ...AHEAD, open: 2000 }, ...many]))
    expect(new Set(Object.values(got))).toEqual(new Set([100]))
    expect(Object.keys(got)).toHaveLength(10)
  })

  it('ends at 32 MiB of what is fed and not collected', () => {
    const round = startFeedRound(QUEUE, [{ ...NEW, open: 5, uncollected: 4, turn: 60, bytes: 30 * MIB }])
    expect(round.next()).not.toBeNull()
    round.fed('new', { count: 1, bytes: 2 * MIB, turn: 60 })
    expect(round.next()).toBeNull()
  })

  it('is not stopped by another batch whose requests are all delayed', () => {
    const queue = { ...QUEUE, delayed: 5000 }
    const failing = { ...NEW, batch: 'failing', fed: 5000, open: 5000, bytes: 5000 }
    expect(feedAll(startFeedRound(queue, [failing, NEW]))).toEqual({ new: 200 })
    expect(startFeedRound(queue, [failing]).next()).toBeNull()
  })

  it('waits for a disk that does not keep up', () => {
    expect(startFeedRound(QUEUE, [NEW, { ...AHEAD, uncollected: 5000 }]).next()).toBeNull()
  })

  it('feeds no batch twice of which nothing is left, or that is in trouble', () => {
    const round = startFeedRound(QUEUE, [NEW])
    round.fed('new', { count: 0, bytes: 0, turn: null })
    expect(round.next()).toBeNull()
  })
})
