import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { renderIncidents } from '../../src/cli/text/incidents.js'
import { createPaint } from '../../src/cli/text/paint.js'
import { displayWidth } from '../../src/cli/text/width.js'
import { anIncident, anIncidentHold, anyIncident, NOON_MS } from '../support/snapshots.js'

const canvas = (columns: number) => ({ columns, paint: createPaint(false) })
const flatWhere = (byItself: boolean, ...incidents: Parameters<typeof renderIncidents>[0]) =>
  renderIncidents(incidents, NOON_MS, canvas(200), () => byItself)
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim()
const flat = (...incidents: Parameters<typeof renderIncidents>[0]) => flatWhere(true, ...incidents)

describe('an incident', () => {
  it('that is over tells all of it: since when, what Conduit said, what waited, its holds, its end', () => {
    expect(flat(anIncident({ costToFinishCents: 1240, failedProbes: 1 }))).toBe(
      'OVER The Conduit account has run out of credits ' +
        'Conduit says Insufficient funds (BILLING_INSUFFICIENT_FUNDS) Request id req_abc123 ' +
        'Since 11:59:10, for 38 s Waited 388 requests, about $12.40 to finish ' +
        'Held 11:59:10: The Conduit account has run out of credits (BILLING_INSUFFICIENT_FUNDS, request req_abc123). ' +
        'Lifted 11:59:47: alice resumed it. ' +
        'End 11:59:48. It ended when alice resumed it. One try in between was refused. Incident i1',
    )
  })

  it('that is open tells what to do, for what holds it now, and how often somebody was reminded', () => {
    const told = flat(
      anIncident({
        queue: 'night',
        liftedAt: null,
        liftedBy: null,
        resolvedAt: null,
        resolvedBy: null,
        waiting: null,
        reminders: 2,
        remindedAt: NOON_MS - 1000,
        holds: [
          anIncidentHold({ liftedBy: 'credits_seen', liftedWho: null }),
          anIncidentHold({ reason: 'credentials', liftedAt: null, liftedBy: null, liftedWho: null }),
        ],
      }),
    )
    expect(told).toMatch(/^OPEN .* \(queue night\) .*Since 11:59:10, for 50 s so far Waited not told yet/)
    expect(told).toContain('Lifted 11:59:47: new credits were seen in the account.')
    expect(told).toContain('Not lifted yet. Reminders 2, the last one 11:59:59 What to do Put another key')
    expect(told).not.toContain('Top up')
  })

  it('promises nothing to happen by itself where no worker is there that does it', () => {
    const open = anIncident({ holds: [anIncidentHold({ liftedAt: null, liftedBy: null, liftedWho: null })] })
    expect(flatWhere(true, open)).toContain('Then it goes on by itself')
    expect(flatWhere(false, open)).toMatch(/No worker notices that by itself now, so then type: .*resume/)
  })

  it('names the person who paused while it was open, and what they said', () => {
    const paused = anIncidentHold({ reason: 'person', by: 'bob', code: 'paused_by_person', message: 'wait' })
    expect(flat(anIncident({ holds: [anIncidentHold(), paused] }))).toContain(
      'Somebody paused this queue (bob: wait).',
    )
  })

  it('with very many holds shows the first and the last ones', () => {
    const holds = Array.from({ length: 40 }, (_, n) => anIncidentHold({ code: `C${n}` }))
    const codes = flat(anIncident({ code: '', holds })).match(/\(C\d+|… 34 more in between/g)
    expect(codes).toEqual(['(C0', '… 34 more in between', '(C35', '(C36', '(C37', '(C38', '(C39'])
  })

  it('that ended because nothing waited says so', () => {
    expect(flat(anIncident({ resolvedBy: 'nothing_waits' }))).toContain(
      'It ended when alice resumed it. Nothing waited any more.',
    )
  })

  it('fits its terminal and is harmless, whatever it holds', () => {
    fc.assert(
      fc.property(anyIncident, fc.integer({ min: 20, max: 120 }), (incident, columns) => {
        for (const line of renderIncidents([incident], NOON_MS, canvas(columns), () => true)) {
          expect(displayWidth(line)).toBeLessThanOrEqual(columns)
          expect(line).not.toMatch(/\p{Cc}/u)
        }
      }),
      { numRuns: 40 },
    )
  })
})
