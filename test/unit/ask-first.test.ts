import { describe, expect, test } from 'vitest'
import { NotConfirmed } from '../../src/cli/confirm.js'
import { askBeforeDiscard } from '../../src/cli/dead-letters/ask-first.js'

// vitest's workers have no terminal.
describe('a discard where nobody can be asked', () => {
  test('is refused, however few there are', async () => {
    await expect(askBeforeDiscard(1, {})).rejects.toThrow(NotConfirmed)
    await expect(askBeforeDiscard(1, { json: true })).rejects.toThrow(/--yes/)
  })

  test('goes through with --yes, or when there is nothing to discard', async () => {
    await askBeforeDiscard(500, { yes: true })
    await askBeforeDiscard(0, {})
  })
})
