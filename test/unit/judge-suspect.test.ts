import { describe, expect, it } from 'vitest'
import { createBalanceLook } from '../../src/completions/suspects/balance.js'
import { judgeSuspect, QUIET_MS, type SuspectView } from '../../src/completions/suspects/judge.js'
import { sizeOf } from '../../src/completions/suspects/size.js'
import { createSizesSeen } from '../../src/completions/suspects/sizes-seen.js'
import { createSmallFirst } from '../../src/completions/suspects/small-first.js'

const pending = (quietMs: number) => ({ kind: 'pending', epoch: 2, quietMs, ageMs: quietMs }) as const
const CLEARED = { kind: 'cleared' } as const

/** Larger than anything that was answered, once suspected, $3.00 then and now. */
function view(over: Partial<SuspectView>): SuspectView {
  const mark = { times: 1, balanceCents: 300 }
  return { suspicion: CLEARED, mark, balanceCents: 300, usual: false, outsized: false, ...over }
}

describe('a suspect that comes back', () => {
  it.each([
    ['waits while another request is out, or wanted', { suspicion: pending(QUIET_MS - 1) }, 'wait'],
    ['asks a person when there is nobody else', { suspicion: pending(QUIET_MS) }, 'empty'],
    [
      'asks a person without a balance, however large it is',
      { suspicion: pending(QUIET_MS), outsized: true, balanceCents: null },
      'empty',
    ],
    [
      'is alone to blame when it is far larger than what was answered',
      { suspicion: pending(QUIET_MS), outsized: true },
      'unaffordable',
    ],
    ['asks a person at once when nothing is left', { suspicion: pending(0), balanceCents: 0 }, 'empty'],
    ['is to blame when another was answered', {}, 'unaffordable'],
    ['is not when nothing is left', { balanceCents: 0 }, 'again'],
    ['is not when the balance has risen', { balanceCents: 301 }, 'again'],
    ['is when the balance has fallen', { balanceCents: 299 }, 'unaffordable'],
    ['gets another chance when as large ones were answered', { usual: true }, 'again'],
    ['and has had enough of them', { usual: true, mark: { times: 3, balanceCents: 300 } }, 'unaffordable'],
    ['gets another chance when the balance is not known', { balanceCents: null }, 'again'],
    ['and only one', { balanceCents: null, mark: { times: 2, balanceCents: null } }, 'unaffordable'],
    ['goes again when the account was empty', { suspicion: { kind: 'emptied' } }, 'again'],
    ['goes again when nothing was found out', { suspicion: { kind: 'void' } }, 'again'],
  ] as const)('%s', (_, over, judgement) => {
    expect(judgeSuspect(view(over))).toBe(judgement)
  })
})

describe('sizes', () => {
  it('are what is sent and what may come back', () => {
    expect(sizeOf({ messages: [{ content: '12345' }, { content: [{ type: 'text', text: '678' }] }] })).toBe(8)
    expect(sizeOf({ messages: [{ content: '1' }], max_tokens: 100 })).toBe(401)
    expect(sizeOf({ messages: 'none', max_completion_tokens: 10, max_tokens: 'x' })).toBe(40)
  })

  it('are compared by model, and with what was answered lately', () => {
    const sizes = createSizesSeen()
    expect(sizes.isUsual('a', 0)).toBe(false)
    expect(sizes.isOutsized('a', 1000, 0)).toBe(false)
    sizes.answered('a', 100, 0)
    sizes.answered('a', 10, 1000)
    expect(sizes.isUsual('a', 100)).toBe(true)
    expect(sizes.isUsual('a', 101)).toBe(false)
    expect(sizes.isUsual('b', 1)).toBe(false)
    expect(sizes.isOutsized('a', 399, 2000)).toBe(false)
    expect(sizes.isOutsized('a', 400, 2000)).toBe(true)
    expect(sizes.isOutsized('a', 400, 61_000)).toBe(false)
    expect([399, 400].map((size) => sizes.isFarLarger('a', size))).toEqual([false, true])
    expect(sizes.isFarLarger('b', 1000)).toBe(false)
  })
})

describe('what was found unaffordable', () => {
  const NOW = 1000

  /** Small ones are answered, and one of size 1000 was not, with $5 left. */
  function seen() {
    const sizes = createSizesSeen()
    sizes.answered('a', 10, 0)
    sizes.unaffordable('a', 1000, 500)
    return sizes
  }

  it('holds for larger ones of the model, while no more is left', () => {
    expect(seen().isUnaffordable('a', 1000, 500, NOW)).toBe(true)
    expect(seen().isUnaffordable('a', 2000, 100, NOW)).toBe(true)
    expect(seen().isUnaffordable('a', 999, 500, NOW)).toBe(false)
    expect(seen().isUnaffordable('a', 1000, 501, NOW)).toBe(false)
    expect(seen().isUnaffordable('b', 1000, 500, NOW)).toBe(false)
  })

  it('holds only while others are answered', () => {
    const sizes = seen()
    expect(sizes.isUnaffordable('a', 1000, 500, 60_000)).toBe(false)
    for (let n = 0; n < 20; n++) sizes.refused()
    expect(sizes.isUnaffordable('a', 1000, 500, NOW)).toBe(true)
    sizes.refused()
    expect(sizes.isUnaffordable('a', 1000, 500, NOW)).toBe(false)
    sizes.answered('a', 10, NOW)
    expect(sizes.isUnaffordable('a', 1000, 500, NOW)).toBe(true)
  })

  it('is forgotten when as large ones are answered', () => {
    const sizes = seen()
    sizes.answered('a', 1500, NOW)
    expect(sizes.isUnaffordable('a', 1500, 500, NOW)).toBe(false)
  })
})

it('requests as large as a suspect make room for smaller ones, for a time', () => {
  let nowMs = 0
  const small = createSmallFirst(() => nowMs)
  expect(small.putOffMs(1_000_000)).toBeNull()
  small.suspected(100)
  small.suspected(200)
  expect(small.putOffMs(49)).toBeNull()
  expect(small.putOffMs(50)).toBe(1000)
  nowMs = 5000
  expect(small.putOffMs(100)).toBeNull()
  small.suspected(300)
  expect(small.putOffMs(149)).toBeNull()
  expect(small.putOffMs(150)).toBe(1000)
  small.over()
  expect(small.putOffMs(300)).toBeNull()
})

describe('the balance', () => {
  it('is asked once for all who ask, and again a second later; when it is not told, half a minute later', async () => {
    let [nowMs, asked] = [0, 0]
    let answer: number | null = 5
    const look = createBalanceLook(
      async () => {
        asked++
        return answer
      },
      () => nowMs,
    )
    expect(await Promise.all([look.ask(), look.ask()])).toEqual([5, 5])
    expect(asked).toBe(1)
    nowMs = 1000
    answer = null
    expect(await look.ask()).toBeNull()
    expect(look.isKnown).toBe(false)
    nowMs = 30_000
    await look.ask()
    expect(asked).toBe(2)
    nowMs = 31_000
    answer = 7
    expect(await look.ask()).toBe(7)
    expect(look.isKnown).toBe(true)
  })
})
