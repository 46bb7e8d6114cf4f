import { expect, it } from 'vitest'
import { endingOfLine } from '../../src/completions/ending-of-line.js'
import { errorLine, placeOfLine } from '../../src/completions/output-line.js'
import { unfinishedCodeOf, unfinishedLine } from '../../src/completions/unfinished.js'

const PLACE = { batch: 'b0123456789ab', index: 7, generation: 2 }

it.each(['batch_cancelled', 'batch_expired'] as const)('a line that says %s is told apart', (code) => {
  const line = unfinishedLine(PLACE, { customId: 'a "quoted" id', line: 8 }, code)
  expect(JSON.parse(line)).toEqual({
    id: 'batch_req_b0123456789ab_7_2',
    custom_id: 'a "quoted" id',
    response: null,
    error: { code, message: expect.stringMatching(/^This request /), line: 8 },
  })
  expect(placeOfLine(line)).toEqual(PLACE)
  expect(endingOfLine(line)).toMatchObject({ kind: 'dead', code })
  expect(unfinishedCodeOf(line)).toBe(code)
})

it('no other line is taken for one, whatever its texts say', () => {
  const looksLikeOne = unfinishedLine(PLACE, { customId: null, line: null }, 'batch_cancelled')
  const dead = { code: 'VALIDATION_ERROR', message: looksLikeOne, line: 3 }
  expect(unfinishedCodeOf(errorLine(PLACE, looksLikeOne, null, dead))).toBeNull()
  const envelope = { code: 'X', response: null, error: { code: 'batch_expired' } }
  const failure = { status: 400, code: 'X', message: 'm', requestId: null, envelope } as never
  expect(unfinishedCodeOf(errorLine(PLACE, 'a', failure, null))).toBeNull()
})
