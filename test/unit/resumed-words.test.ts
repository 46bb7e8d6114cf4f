import { describe, expect, it } from 'vitest'
import { resumedWords } from '../../src/cli/gate/change-gate.js'

describe('what resume says', () => {
  it('names the command that starts workers when nobody serves the queue', () => {
    const text = resumedWords('default', { lifted: 1, probing: true, workers: 0 }).join('\n')
    expect(text).toMatch(/is open\.\nOne call goes first.*\nNo worker serves .* conduit-batch work$/)
    expect(resumedWords('default', { lifted: 0, probing: false, workers: 1 })).toEqual([
      'Queue default was open already.',
    ])
  })

  it('says that a call is waited for when somebody resumes again', () => {
    const [first] = resumedWords('default', { lifted: 0, probing: true, workers: 1 })
    expect(first).toContain('waits for one call to succeed')
  })
})
