import { describe, expect, it } from 'vitest'
import { LINE_PROBLEM_CODES } from '../../src/batches/input/line-problem.js'
import { age } from '../../src/cli/option-values.js'
import { codeAdvice, retryCommand } from '../../src/cli/text/code-advice.js'
import { renderLetter } from '../../src/cli/text/dead-letter-details.js'
import { type QueueLetter, renderGroups, renderLetters } from '../../src/cli/text/dead-letter-list.js'
import { choiceOptions } from '../../src/cli/text/letter-choice.js'
import { createPaint } from '../../src/cli/text/paint.js'
import { displayWidth } from '../../src/cli/text/width.js'
import { OWN_CODES, STATUS_RULES } from '../../src/conduit/codes.js'
import { refused } from '../support/endings.js'

const canvas = { columns: 80, paint: createPaint(false) }
const HOSTILE = '\u001b[2J\u0007evil\r\n\u202etxt'

function letterOf(more: Partial<QueueLetter> = {}): QueueLetter {
  const { letter } = refused({ batch: 'b0123456789ab', index: 7, generation: 1 })
  return { ...letter, id: 'b0123456789ab-7-1', queue: 'default', edit: null, earlier: [], ...more }
}

describe('what to do about a code', () => {
  it.each(STATUS_RULES.filter(({ ruling }) => ruling.kind === 'dead'))(
    'is said of $from $code, with what it means',
    ({ from, code, means }) => {
      const advice = codeAdvice(code ?? 'STRANGE', from)
      expect(advice.means).toBe(means)
      expect(advice.todo).toMatch(/^[A-Z].*\.$/)
    },
  )

  it.each(OWN_CODES.filter(({ ruling }) => ruling?.kind === 'dead'))(
    'is said of our own $code',
    ({ code, means }) => {
      expect(codeAdvice(code, null)).toMatchObject({ means, todo: expect.stringMatching(/retry it/i) })
    },
  )

  it.each(LINE_PROBLEM_CODES)('of a line that is %s is not to retry it', (code) => {
    expect(codeAdvice(code, null).set).toBeNull()
  })

  it('is to retry as it is what only failed, and to change what was refused', () => {
    const typed = (code: string, status: number) => retryCommand('X', codeAdvice(code, status))
    expect(typed('retries_exhausted', 503)).toBe('conduit-batch dead-letters retry X')
    expect(typed('CHAT_MODEL_NOT_FOUND', 404)).toBe(
      'conduit-batch dead-letters retry X --set body.model=MODEL',
    )
    expect(typed('VALIDATION_ERROR', 400)).toBe('conduit-batch dead-letters retry X --set body.FIELD=VALUE')
  })
})

describe('options that choose letters', () => {
  it('are typed again as they were meant', () => {
    const choice = { queue: 'q', batch: 'nightly', code: 'A B', model: "it's", olderThan: age('36h') }
    expect(choiceOptions(choice)).toBe(
      "--queue q --batch nightly --code 'A B' --model 'it'\\''s' --older-than 36h",
    )
    for (const text of ['7d', '90m', '45s', '1h', '2w']) {
      expect(age(choiceOptions({ olderThan: age(text) }).split(' ')[1] ?? '')).toBe(age(text))
    }
    expect(choiceOptions({})).toBe('')
  })
})

describe('dead letters on a terminal', () => {
  const failure = {
    status: 400,
    code: HOSTILE,
    message: HOSTILE,
    requestId: HOSTILE,
    envelope: { [HOSTILE]: HOSTILE },
  }
  const letter = letterOf({
    customId: HOSTILE,
    code: HOSTILE,
    model: HOSTILE,
    failure,
    history: [{ ...failure, at: 0 }],
    earlier: [
      { ...failure, at: 0, generation: 0, attempts: 3, customId: 'p-1', line: 1, edited: ['model', HOSTILE] },
    ],
  })
  const group = {
    queue: 'default',
    code: HOSTILE,
    message: HOSTILE.repeat(20),
    fields: [HOSTILE],
    count: 12_345,
    oldestAt: 0,
    newestAt: 5000,
    example: letter.id,
  }
  const faces = {
    groups: renderGroups(
      { groups: [group], left: 2, total: 12_350, choice: {}, namesQueues: true, nowMs: 10_000 },
      canvas,
    ),
    letters: renderLetters([letter], 3, 10_000, canvas),
    one: renderLetter(
      { letter, request: { kind: 'there', body: { model: HOSTILE } }, input: HOSTILE, nowMs: 10_000 },
      canvas,
    ),
    missing: renderLetter(
      { letter, request: { kind: 'missing', reason: HOSTILE }, input: null, nowMs: 10_000 },
      canvas,
    ),
  }

  it.each(Object.entries(faces))('hold nothing that a terminal would obey, and fit: %s', (_, lines) => {
    expect(lines.join('')).toContain('evil')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
    expect(lines.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/)
    for (const line of lines.filter((each) => !each.includes('conduit-batch '))) {
      expect(displayWidth(line), line).toBeLessThanOrEqual(80)
    }
  })

  it('tell the count, when, one of them, and what is not shown', () => {
    expect(faces.groups[0]).toBe('12,350 dead letters')
    expect(faces.groups.join('\n')).toMatch(/^12,345 {2}.*evil/m)
    expect(faces.groups.join('\n')).toContain(`for example ${letter.id}`)
    expect(faces.groups.join('\n')).toContain('last 5 s ago')
    expect(faces.groups.join('\n')).toContain('… and 2 more kinds')
    expect(faces.letters.join('\n')).toContain('… and 3 newer')
  })

  it('tell what earlier retries changed', () => {
    expect(faces.one.join(' ').replace(/\s+/g, ' ')).toMatch(
      /3 calls, then retried with another model, evil txt/,
    )
  })
})
