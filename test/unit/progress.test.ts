import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDisplay } from '../../src/cli/progress/display.js'
import { renderPlainLine } from '../../src/cli/progress/plain-line.js'
import { createRateMeter, estimateLeftMs } from '../../src/cli/progress/rate.js'
import { renderProgress } from '../../src/cli/progress/render.js'
import type { ProgressView } from '../../src/cli/progress/view.js'
import { displayWidth } from '../../src/cli/text/width.js'
import { aBatch, aHold, anyView, aPace, aQueue, aView, NOON_MS } from '../support/snapshots.js'

const text = (view: ProgressView, columns = 100) => renderProgress(view, columns).join('\n')
/** As one running text, wherever the lines were broken. */
const flat = (view: ProgressView, columns = 100) => text(view, columns).replace(/\s+/g, ' ')
const outage = { queue: aQueue({ pace: aPace({ state: 'outage', since: NOON_MS - 38_000, inFlight: 1 }) }) }
const paused = aView({ queue: aQueue({ holds: [aHold()], active: 0 }) })
const ESCAPE = '\u001b'
const CONTROL = new RegExp(`(${ESCAPE}\\[\\d*[AKJ]|\n|\r)`)
const UP = new RegExp(`^${ESCAPE}\\[(\\d+)A$`)

describe('the rate meter', () => {
  it('knows no rate until a second has been measured', () => {
    const meter = createRateMeter({ windowMs: 10_000 })
    expect(meter.ratePerSecond()).toBeNull()
    meter.sample(0, 0)
    meter.sample(999, 50)
    expect(meter.ratePerSecond()).toBeNull()
    meter.sample(1000, 50)
    expect(meter.ratePerSecond()).toBe(50)
  })

  it('does not count answers that were there when it started', () => {
    const meter = createRateMeter({ windowMs: 10_000 })
    meter.sample(0, 500_000)
    meter.sample(2000, 500_010)
    expect(meter.ratePerSecond()).toBe(5)
  })

  it('forgets what is older than its window', () => {
    const meter = createRateMeter({ windowMs: 10_000 })
    for (let second = 0; second <= 60; second += 1) meter.sample(second * 1000, Math.min(second, 30) * 100)
    for (let second = 61; second <= 75; second += 1) meter.sample(second * 1000, 3000 + (second - 60) * 7)
    expect(meter.ratePerSecond()).toBe(7)
  })

  it('stretches its window for slow work, so that the rate does not jump between nothing and much', () => {
    const meter = createRateMeter({ windowMs: 10_000 })
    const rates: number[] = []
    for (let second = 0; second <= 300; second += 1) {
      meter.sample(second * 1000, Math.floor(second / 15))
      if (second > 60) rates.push(meter.ratePerSecond() ?? -1)
    }
    expect(Math.min(...rates)).toBeGreaterThan(0.04)
    expect(Math.max(...rates)).toBeLessThan(0.09)
  })

  it('falls to zero when nothing is answered any more', () => {
    const meter = createRateMeter({ windowMs: 10_000 })
    for (let second = 0; second <= 20; second += 1) meter.sample(second * 1000, second * 10)
    for (let second = 21; second <= 81; second += 1) meter.sample(second * 1000, 200)
    expect(meter.ratePerSecond()).toBe(0)
  })

  it('starts anew when the count falls or the clock is set back', () => {
    const meter = createRateMeter({ windowMs: 10_000 })
    meter.sample(10_000, 100)
    meter.sample(12_000, 90)
    expect(meter.ratePerSecond()).toBeNull()
    meter.sample(5000, 95)
    meter.sample(7000, 105)
    expect(meter.ratePerSecond()).toBe(5)
  })

  it('is never negative, whatever it is fed with', () => {
    const samples = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 50 })
    fc.assert(
      fc.property(samples, (all) => {
        const meter = createRateMeter({ windowMs: 10_000 })
        for (const [nowMs, done] of all) meter.sample(nowMs, done)
        const rate = meter.ratePerSecond()
        expect(rate === null || (Number.isFinite(rate) && rate >= 0)).toBe(true)
      }),
    )
  })

  it('estimates the time left, or admits that it does not know', () => {
    expect(estimateLeftMs(100, 50)).toBe(2000)
    expect(estimateLeftMs(0, null)).toBe(0)
    expect(estimateLeftMs(100, 0)).toBeNull()
    expect(estimateLeftMs(100, null)).toBeNull()
  })
})

describe('progress on a terminal', () => {
  it('shows done of total, percent, rate, in flight, retries, throttles, failures, tokens and times', () => {
    const shown = flat(aView())
    for (const part of [
      '612 of 1,000 61%',
      '48/s',
      '20 in flight',
      '12 retries',
      '31 throttled',
      '3 failed: VALIDATION_ERROR 2, CHAT_MODEL_NOT_FOUND 1',
      '81,220 tokens',
      '~8 s left',
      '14 s so far',
    ]) {
      expect(shown).toContain(part)
    }
  })

  it('shows the limit and the refused share once a limit was met, and nothing of them before', () => {
    const pace = aPace({ learnedPerMinute: 5987, refusedShare: 0.004, inFlight: 37 })
    const shown = flat(aView({ queue: aQueue({ pace }) }))
    expect(shown).toContain(
      '48/s 37 in flight ~8 s left 14 s so far limit ~6,000/min 0.4% refused 12 retries',
    )
    expect(flat(aView())).not.toMatch(/limit|refused/)
  })

  it('does not make a fuss of a pace that is closed after a refusal', () => {
    const pace = aPace({ state: 'closed', since: NOON_MS, closedUntil: NOON_MS + 20_000 })
    expect(text(aView({ queue: aQueue({ pace }) }))).toBe(text(aView()))
  })

  it('says in an outage that no attempt is used and nothing is to be done; its rate would be wrong', () => {
    const shown = flat(aView(outage))
    expect(shown).toContain('OUTAGE Conduit does not answer (5xx or no connection) since 11:59:22, for 38 s.')
    expect(shown).toContain('no attempt is used. There is nothing to do: full speed comes back by itself.')
    expect(shown).toContain('–/s 1 in flight – left')
  })

  it('never says 100% before everything is done', () => {
    expect(text(aView({ batch: aBatch({ total: 1_000_000, completed: 999_999, failed: 0 }) }))).toContain(
      ' 99%',
    )
    expect(text(aView({ batch: aBatch({ total: 10, completed: 10, failed: 0 }) }))).toContain('100%')
  })

  it('draws a bar that grows with what is done and keeps its length', () => {
    const bars = [0, 250, 500, 1000].map((completed) => {
      const [line = ''] = renderProgress(aView({ batch: aBatch({ completed, failed: 0 }) }), 80)
      return { filled: line.split('━').length - 1, width: line.length }
    })
    expect(new Set(bars.map(({ width }) => width)).size).toBe(1)
    expect(bars.map(({ filled }) => filled)).toEqual([0, 14, 28, 56])
  })

  it('leaves the bar out where it would be too short to tell anything', () => {
    expect(renderProgress(aView(), 24)[0]).toBe('  612 of 1,000   61%')
  })

  it('says why it is paused, since when, on which request, what to do, and that nothing is lost', () => {
    const shown = flat(paused)
    for (const part of [
      'PAUSED The Conduit account has run out of credits',
      'Insufficient funds (BILLING_INSUFFICIENT_FUNDS)',
      'req_abc123',
      '11:56:40, for 3 min 20 s',
      'Top up at https://conduit.im',
      'conduit-batch resume',
      'Nothing is lost: 612 of 1,000 are done, 388 keep their place.',
    ]) {
      expect(shown).toContain(part)
    }
  })

  it('shows no rate and no time left while paused, because both would be wrong', () => {
    expect(flat(paused)).toContain('–/s')
    expect(flat(paused)).toContain('– left')
    expect(flat(paused)).not.toContain('48/s')
  })

  it('names every hold when there are several', () => {
    const holds = [
      aHold({ reason: 'daily_quota' }),
      aHold({ reason: 'person', by: 'anna', message: 'odd answers' }),
    ]
    const shown = flat(aView({ queue: aQueue({ holds }) }))
    expect(shown).toContain("PAUSED Today's quota at Conduit is used up")
    expect(shown).toContain('AND Somebody paused this queue By anna They say odd answers')
  })

  it('says when a hold that time ends will end', () => {
    const holds = [aHold({ reason: 'daily_quota', until: NOON_MS + 3 * 3_600_000 })]
    expect(flat(aView({ queue: aQueue({ holds }) }))).toContain('Reopens 15:00:00, in 3 h 00 min, by itself')
  })

  it('puts the name of another queue into the command', () => {
    const queue = aQueue({ queue: 'batch-eu', holds: [aHold()] })
    expect(flat(aView({ queue }))).toContain('conduit-batch resume batch-eu')
  })

  it.each<[string, Partial<ProgressView>, string]>([
    ['probing', { queue: aQueue({ probing: true }) }, 'RESUMING One call goes first'],
    [
      'retries',
      { queue: aQueue({ waiting: 0, active: 0, delayed: 12 }) },
      '12 requests wait for the next try',
    ],
    ['Redis away', { connection: 'reconnecting' }, 'Redis does not answer. Nothing is lost'],
    ['Ctrl-C', { closing: true }, 'Finishing 20 calls in flight. Ctrl-C again leaves at once.'],
    ['attached', { attached: true }, 'Another process does the work'],
    ['no worker', { attached: true, queue: aQueue({ workers: 0 }) }, 'No worker is at work'],
    [
      'stopped',
      { batch: aBatch({ state: 'stopped', reason: 'The input was edited.' }) },
      'STOPPED The input was edited.',
    ],
  ])('says so in words: %s', (_name, over, words) => {
    expect(flat(aView(over))).toContain(words)
  })

  it('says that it reads the input while the total is not known', () => {
    expect(text(aView({ batch: aBatch({ total: 0, completed: 0, failed: 0 }) }))).toContain(
      'Reading the input',
    )
  })

  it('keeps the command to type on one line where it fits', () => {
    for (let columns = 24; columns <= 200; columns += 1) {
      expect(renderProgress(paused, columns).some((line) => line.includes('conduit-batch resume'))).toBe(true)
    }
  })

  it('uses colours only when told to, and they change nothing but the look', () => {
    const plain = renderProgress(paused, 80, false)
    const coloured = renderProgress(paused, 80, true)
    expect(plain.join('')).not.toContain(ESCAPE)
    expect(coloured.join('')).toContain(ESCAPE)
    expect(coloured.map((line) => stripVTControlCharacters(line))).toEqual(plain)
  })

  it('never exceeds the width, nor lets control characters through, whatever the snapshot holds', () => {
    fc.assert(
      fc.property(anyView, fc.integer({ min: 20, max: 200 }), (view, columns) => {
        for (const line of renderProgress(view, columns)) {
          expect(displayWidth(line)).toBeLessThanOrEqual(columns)
          expect(line).not.toMatch(/\p{Cc}/u)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('progress in a log', () => {
  it('says what it waits for', () => {
    expect(renderPlainLine(aView({ connection: 'reconnecting' }))).toMatch(/^WAITING: Redis does not answer/)
    expect(renderPlainLine(aView({ closing: true }))).toMatch(/^STOPPING: Finishing 20 calls in flight/)
    expect(renderPlainLine(aView({ queue: aQueue({ probing: true }) }))).toMatch(
      /^RESUMING: One call goes first/,
    )
  })

  it('puts everything into one line, whatever the snapshot holds', () => {
    fc.assert(
      fc.property(anyView, (view) => {
        expect(renderPlainLine(view)).not.toMatch(/[\p{Cc}\u2028\u2029]/u)
      }),
    )
  })

  it('ends a sentence before the figures, and keeps them apart from a command', () => {
    const cancelled = aBatch({ state: 'cancelled', reason: 'cancelled by root' })
    expect(renderPlainLine(aView({ batch: cancelled }))).toMatch(
      /^CANCELLED: cancelled by root\. 612 of 1,000/,
    )
    const nobody = aView({ attached: true, queue: aQueue({ workers: 0 }) })
    expect(renderPlainLine(nobody)).toContain('conduit-batch work | 612 of 1,000')
  })

  it('says of a batch whose window is over that workers only write that down, to those who watch', () => {
    const batch = aBatch({ expiresAt: NOON_MS - 1 })
    const watched = aView({ batch, attached: true, queue: aQueue({ workers: 0, holds: [aHold()] }) })
    expect(renderPlainLine(watched)).toMatch(
      /^OVER: Its completion window is over\. .* batch_expired lines\./,
    )
    expect(renderPlainLine(watched)).toContain('completion window: over,')
    expect(renderPlainLine(aView({ batch }))).not.toContain('OVER')
  })

  it('gives the figures', () => {
    expect(renderPlainLine(aView())).toBe(
      '612 of 1,000 (61%), 48/s, ~8 s left, 20 in flight, 12 retries, 31 throttled, ' +
        '3 failed (VALIDATION_ERROR 2, CHAT_MODEL_NOT_FOUND 1), 81,220 tokens, 14 s so far',
    )
  })

  it('gives the limit and the refused share among the figures once a limit was met', () => {
    const pace = aPace({ learnedPerMinute: 5987, refusedShare: 0.004, inFlight: 37 })
    expect(renderPlainLine(aView({ queue: aQueue({ pace }) }))).toContain(
      '48/s, ~8 s left, limit about 6,000/min, 37 in flight, 0.4% refused, 12 retries',
    )
  })

  it('says why it is paused and what to do, with the command', () => {
    expect(renderPlainLine(paused)).toBe(
      'PAUSED: The Conduit account has run out of credits, since 11:56:40, for 3 min 20 s ' +
        '[Insufficient funds (BILLING_INSUFFICIENT_FUNDS), request req_abc123]. ' +
        'Nothing is lost: 612 of 1,000 are done, 388 keep their place. ' +
        'What to do: Top up at https://conduit.im (billing dashboard); then it goes on by itself, once the balance shows it ' +
        '(to go on at once: conduit-batch resume)',
    )
  })
})

function record(options: { isTerminal: boolean; columns?: () => number; rows?: number }) {
  const writes: string[] = []
  const stream = { write: (chunk: string) => writes.push(chunk), rows: options.rows }
  const columns = options.columns ?? (() => 80)
  const { isTerminal } = options
  return {
    writes,
    display: createDisplay({ stream, isTerminal, colour: false, columns, plainEveryMs: 5000 }),
  }
}

/** What a terminal shows after these writes: just the few sequences that the display uses. */
function screenAfter(writes: readonly string[]): string[] {
  let lines: string[] = ['']
  let row = 0
  let column = 0
  for (const part of writes.join('').split(CONTROL)) {
    const up = UP.exec(part)
    if (up) row = Math.max(0, row - Number(up[1]))
    else if (part === '\u001b[K') lines[row] = (lines[row] ?? '').slice(0, column)
    else if (part === '\u001b[J') lines = [...lines.slice(0, row), (lines[row] ?? '').slice(0, column)]
    else if (part === '\r') column = 0
    else if (part === '\n') {
      row += 1
      column = 0
      lines[row] ??= ''
    } else {
      const before = lines[row] ?? ''
      lines[row] = before.slice(0, column) + part + before.slice(column + part.length)
      column += part.length
    }
  }
  return lines
}

describe('the display on a terminal', () => {
  it('redraws in place, with one write a frame', () => {
    const { writes, display } = record({ isTerminal: true })
    const views = [aView(), paused, aView({ batch: aBatch({ completed: 700 }) })]
    for (const view of views) display.update(view)
    expect(writes).toHaveLength(views.length)
    expect(screenAfter(writes)).toEqual([...renderProgress(views[2] ?? paused, 79), ''])
  })

  it('leaves nothing of the last frame behind, whatever the two frames are', () => {
    fc.assert(
      fc.property(anyView, anyView, (first, second) => {
        const { writes, display } = record({ isTerminal: true })
        display.update(first)
        display.update(second)
        expect(screenAfter(writes)).toEqual([...renderProgress(second, 79), ''])
      }),
      { numRuns: 50 },
    )
  })

  it('writes nothing when nothing has changed', () => {
    const { writes, display } = record({ isTerminal: true })
    display.update(aView())
    display.update(aView())
    expect(writes).toHaveLength(1)
  })

  it('prints notices above the progress, where they stay, and takes nothing but itself away at the end', () => {
    const { writes, display } = record({ isTerminal: true })
    display.notice('first')
    display.update(aView())
    display.notice('second\nthird \u001b[2J\u001b[Hhidden')
    display.update(paused)
    expect(screenAfter(writes)).toEqual([
      'first',
      'second',
      'third   hidden',
      ...renderProgress(paused, 79),
      '',
    ])
    display.stop()
    display.update(aView())
    display.notice('last')
    expect(screenAfter(writes)).toEqual(['first', 'second', 'third   hidden', 'last', ''])
  })

  it('leaves the cursor and the modes of the terminal as they were', () => {
    const { writes, display } = record({ isTerminal: true })
    display.update(paused)
    display.stop()
    expect(writes.join('')).not.toContain(`${ESCAPE}[?`)
  })

  it('never draws more lines than the terminal has, and keeps the command to type', () => {
    const { writes, display } = record({ isTerminal: true, rows: 14 })
    display.update(paused)
    expect(screenAfter(writes).length).toBeLessThanOrEqual(14)
    expect(writes.join('')).toContain('conduit-batch resume')
  })

  it('counts lines that a narrowed terminal has wrapped', () => {
    let width = 101
    const { writes, display } = record({ isTerminal: true, columns: () => width })
    display.update(aView())
    width = 50
    display.update(aView())
    const rowsTaken = renderProgress(aView(), 100).reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(line.length / 50)),
      0,
    )
    expect(writes[1]?.startsWith(`\r\u001b[${rowsTaken}A`)).toBe(true)
    expect(rowsTaken).toBeGreaterThan(renderProgress(aView(), 100).length)
  })

  it('draws for 80 columns when the terminal does not know its width', () => {
    const { writes, display } = record({ isTerminal: true, columns: () => 0 })
    display.update(aView())
    expect(screenAfter(writes)).toEqual([...renderProgress(aView(), 79), ''])
  })
})

describe('the display elsewhere', () => {
  const at = (seconds: number, over: Partial<ProgressView> = {}) =>
    aView({ nowMs: NOON_MS + seconds * 1000, ...over })

  it('writes a line every few seconds, however often it is updated', () => {
    const { writes, display } = record({ isTerminal: false })
    for (let second = 0; second <= 12; second += 0.25) display.update(at(second))
    expect(writes).toEqual([0, 5, 10].map((second) => `${renderPlainLine(at(second))}\n`))
  })

  it('writes at once when it is paused, resumed and finished, and calmly in between', () => {
    const { writes, display } = record({ isTerminal: false })
    const held = { queue: aQueue({ holds: [aHold()] }) }
    display.update(at(0))
    for (let second = 1; second <= 59; second += 0.25) display.update(at(second, held))
    display.update(at(59.5, { queue: aQueue({ probing: true }) }))
    display.update(at(60))
    display.update(at(60.5, { batch: aBatch({ state: 'completed' }) }))
    expect(writes.map((line) => line.slice(0, 8))).toEqual([
      '612 of 1',
      'PAUSED: ',
      'RESUMING',
      'RESUMED:',
      'FINISHED',
    ])
  })

  it('tells an outage in full at its begin and its end, and in short now and then in between', () => {
    const { writes, display } = record({ isTerminal: false })
    display.update(at(0))
    for (let second = 1; second <= 62; second += 0.25) display.update(at(second, outage))
    display.update(at(63, { connection: 'reconnecting' }))
    display.update(at(64, { queue: aQueue({ waiting: 0, active: 0, delayed: 2 }) }))
    display.update(at(70))
    expect(writes.map((line) => line.slice(0, 80))).toEqual([
      expect.stringMatching(/^612 of 1,000 \(61%\), 48\/s/),
      'OUTAGE: Conduit does not answer (5xx or no connection) since 11:59:22, for 39 s.',
      'OUTAGE: Conduit does not answer (5xx or no connection) since 11:59:22, for 1 min',
      expect.stringMatching(/^WAITING: Redis does not answer/),
      expect.stringMatching(/^BACK: Conduit answers again, after 1 min 42 s\. WAITING: 2 requests wait/),
      expect.stringMatching(/^612 of 1,000/),
    ])
    expect([writes[1]?.includes('nothing to do'), writes[2]?.includes('nothing to do')]).toEqual([
      true,
      false,
    ])
    expect(writes[1]).not.toContain('48/s')
  })

  it('does not take a wait for retries for a change', () => {
    const { writes, display } = record({ isTerminal: false })
    display.update(at(0))
    display.update(at(1, { queue: aQueue({ waiting: 0, active: 0, delayed: 2 }) }))
    expect(writes).toHaveLength(1)
  })

  it('writes notices as they come, and nothing after the end but notices', () => {
    const { writes, display } = record({ isTerminal: false })
    display.notice('hello')
    display.stop()
    display.update(at(0))
    expect(writes).toEqual(['hello\n'])
  })
})
