import { describe, expect, it } from 'vitest'
import { type KeptBatch, type Limits, whatToRemove } from '../../src/batches/retention.js'

const NOW = 1_000_000
const LIMITS: Limits = {
  batchesMs: 1000,
  inputsMs: 100,
  deadLettersMs: 1000,
  incidentsMs: 1000,
  mostBatches: 100,
  mostDeadLetters: 100,
}

/** A batch that completed `agoMs` ago. */
function ended(batch: string, agoMs: number, more: Partial<KeptBatch> = {}): KeptBatch {
  return {
    batch,
    state: 'completed',
    createdAt: NOW - agoMs - 5000,
    finishedAt: NOW - agoMs,
    draining: false,
    spooled: false,
    replaces: null,
    ...more,
  }
}

const running = { state: 'running', finishedAt: null } as const

describe('what is removed', () => {
  it('is what ended before the limit, whatever its end', () => {
    const batches = [
      ended('young', 999),
      ended('old', 1000),
      ended('cancelled', 2000, { state: 'cancelled' }),
      ended('stopped', 2000, { state: 'stopped' }),
    ]
    expect(whatToRemove(batches, NOW, LIMITS).batches).toEqual(['old', 'cancelled', 'stopped'])
  })

  it('is never what runs, may still get answers, or is unknown to Redis, however old or many', () => {
    const batches = [
      ended('running', 9000, running),
      ended('draining', 9000, { state: 'cancelled', draining: true }),
      ended('unknown', 9000, { state: null, finishedAt: null }),
    ]
    expect(whatToRemove(batches, NOW, { ...LIMITS, mostBatches: 0 })).toEqual({ batches: [], inputs: [] })
  })

  it('is the oldest beyond the most that are kept; those that run do not count', () => {
    const batches = [ended('b', 20), ended('running', 5, running), ended('c', 30), ended('a', 10)]
    expect(whatToRemove(batches, NOW, { ...LIMITS, mostBatches: 2 }).batches).toEqual(['c'])
  })

  it('is nothing that a running batch has replaced, or what that had replaced', () => {
    const batches = [
      ended('new', 5000, { ...running, replaces: 'middle' }),
      ended('middle', 5000, { state: 'cancelled', replaces: 'first' }),
      ended('first', 6000, { state: 'cancelled' }),
      ended('other', 6000),
    ]
    expect(whatToRemove(batches, NOW, LIMITS).batches).toEqual(['other'])
  })

  it('are the spooled inputs of what ended a while ago and stays', () => {
    const batches = [
      ended('young', 99, { spooled: true }),
      ended('spooled', 100, { spooled: true }),
      ended('file', 100),
      ended('gone', 1000, { spooled: true }),
      ended('running', 500, { ...running, spooled: true }),
    ]
    expect(whatToRemove(batches, NOW, LIMITS)).toEqual({ batches: ['gone'], inputs: ['spooled'] })
  })
})
