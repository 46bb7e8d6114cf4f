import { describe, expect, it } from 'vitest'
import type { Manifest } from '../../src/batches/manifest.js'
import { type SubmittedView, submittedWords } from '../../src/cli/submit/submitted-words.js'
import { aQueue } from '../support/snapshots.js'

function words(total: number, more: Partial<SubmittedView> = {}, input = 'in.jsonl'): string {
  const manifest = {
    batch: 'b0000000000a1',
    name: null,
    total,
    input: { name: input },
    errors: '/here/in.errors.jsonl',
    inherits: null,
  } as unknown as Manifest
  const view = { manifest, resumed: false, rejected: 0, firstProblem: null, nameWanted: null, batch: null }
  return submittedWords({ ...view, queue: aQueue(), ...more }).join('\n')
}

describe('what submit says', () => {
  it('counts only what can be sent, and names the first line that can not', () => {
    const firstProblem = {
      line: 7,
      code: 'missing_model',
      message: 'It names no model.',
      param: 'model',
    } as const
    const text = words(42, { rejected: 2, firstProblem })
    expect(text).toContain('40 requests of in.jsonl are handed over as batch b0000000000a1.')
    expect(text).toContain('2 more lines can not be sent')
    expect(text).toContain(
      'The first is line 7: It names no model. Or name one for all lines that have none: --model',
    )
  })

  it('speaks of one request and of stdin as people do', () => {
    expect(words(1, {}, '-')).toContain('1 request of stdin is handed over')
  })
})
