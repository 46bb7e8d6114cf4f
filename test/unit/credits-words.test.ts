import { describe, expect, it } from 'vitest'
import { lowBalanceInWords } from '../../src/alerts/balance-words.js'
import { createDisplay } from '../../src/cli/progress/display.js'
import { renderPlainLine } from '../../src/cli/progress/plain-line.js'
import { renderProgress } from '../../src/cli/progress/render.js'
import { renderStatus } from '../../src/cli/text/status.js'
import type { Forecast } from '../../src/credits/forecast.js'
import { aHold, aQueue, aView, NOON_MS } from '../support/snapshots.js'

const LOW: Forecast = {
  balanceCents: 1860,
  seenAt: NOON_MS,
  centsPerRequest: 2,
  centsPerToken: 0.01,
  centsPerMinute: 49,
  costToFinishCents: 3100,
  shortByCents: 1240,
  lastsMs: 38 * 60_000,
  low: true,
}
const ENOUGH: Forecast = { ...LOW, costToFinishCents: 900, shortByCents: 0, low: false }
const WORDS = 'redits for 38 minutes at this rate; what is queued needs about $12.40 more'

const progress = (forecast: Forecast | null, over = {}) =>
  renderProgress(aView({ queue: aQueue({ forecast, ...over }) }), 100)
    .join(' ')
    .replace(/\s+/g, ' ')
const status = (forecast: Forecast | null, over = {}) =>
  renderStatus([aQueue({ forecast, ...over })], [], NOON_MS, 100)
    .join(' ')
    .replace(/\s+/g, ' ')

describe('credits that will not last', () => {
  it('are told with how long they last and what lacks', () => {
    expect(lowBalanceInWords(LOW)).toBe(`c${WORDS}`)
    expect(lowBalanceInWords({ ...LOW, lastsMs: null, shortByCents: 0.2 })).toBe(
      '$18.60 left; what is queued needs about $0.01 more',
    )
    expect(lowBalanceInWords({ ...LOW, lastsMs: 50 * 3600_000, shortByCents: 1_234_567 })).toBe(
      'credits for 2 days at this rate; what is queued needs about $12,345.67 more',
    )
  })

  it('stand in the progress while it runs, and in the status; where they last, only there', () => {
    expect(progress(LOW)).toContain(`CREDITS C${WORDS}.`)
    expect(progress(LOW, { holds: [aHold()] })).not.toContain('CREDITS')
    expect(progress(ENOUGH)).not.toMatch(/credits/i)
    expect(status(LOW)).toContain(`CREDITS C${WORDS}.`)
    expect(status(ENOUGH)).toContain('Credits $18.60, enough for what is queued (about $9.00)')
    expect(status(null)).not.toMatch(/credits/i)
  })

  it('are told without a rate while the queue is held, and at a pause for credits with what it takes to finish', () => {
    const empty: Forecast = { ...LOW, balanceCents: 0, shortByCents: 3100, lastsMs: 0, low: false }
    const told = status(empty, { holds: [aHold()] })
    expect(told).toContain('To finish about $31.00; nothing is left in the account')
    expect(told).not.toMatch(/at this rate|Credits /)
    expect(progress(empty, { holds: [aHold()] })).toContain('To finish about $31.00; nothing is left')
    expect(status(LOW, { holds: [aHold()] })).toContain(
      'To finish about $31.00; $18.60 is left in the account',
    )
    expect(status(ENOUGH, { holds: [aHold({ reason: 'person' })] })).not.toContain('To finish')
    expect(status(LOW, { holds: [aHold({ reason: 'person' })] })).toContain(
      'CREDITS $18.60 left; what is queued needs about $12.40 more',
    )
    expect(lowBalanceInWords(empty)).toBe('nothing is left; what is queued needs about $31.00 more')
  })

  it('get a line in a log at once, and only one', () => {
    const written: string[] = []
    const stream = { write: (text: string) => written.push(text) }
    const display = createDisplay({
      stream,
      isTerminal: false,
      colour: false,
      columns: () => 80,
      plainEveryMs: 5000,
    })
    for (const [i, forecast] of [null, ENOUGH, LOW, LOW].entries()) {
      display.update(aView({ nowMs: NOON_MS + i * 1000, queue: aQueue({ forecast }) }))
    }
    expect(written).toHaveLength(2)
    expect(written[1]).toContain(`| CREDITS: c${WORDS}`)
    expect(renderPlainLine(aView({ queue: aQueue({ forecast: ENOUGH }) }))).not.toContain('CREDITS')
  })
})
