import { describe, expect, it } from 'vitest'
import { waitAfterCrashMs } from '../../src/completions/poison.js'

describe('a request that was in flight in a crash', () => {
  it('runs again at once after the first two', () => {
    expect([1, 2].map((crashes) => waitAfterCrashMs(crashes, 0.99))).toEqual([0, 0])
  })

  it('waits for some time after the third and the fourth, each for its own', () => {
    expect(waitAfterCrashMs(3, 0)).toBe(0)
    expect(waitAfterCrashMs(3, 0.5)).toBe(5000)
    expect(waitAfterCrashMs(4, 0.5)).toBe(15_000)
  })

  it('does not wait to be ended', () => {
    expect(waitAfterCrashMs(5, 0.99)).toBe(0)
  })
})
