import { describe, expect, it } from 'vitest'
import { HOLD_REASONS } from '../../src/admission/hold.js'
import { actionSentence, liftedInWords, reasonInWords, whatToDo } from '../../src/alerts/advice.js'

const told = (reason: (typeof HOLD_REASONS)[number], queue = 'default') =>
  whatToDo(reason, queue, true).join(' ')

describe('what to do about a pause', () => {
  it.each(HOLD_REASONS)('gives the command that resumes, for every reason: %s', (reason) => {
    expect(told(reason)).toContain('conduit-batch resume')
    expect(actionSentence(reason, 'default', true)).toContain('conduit-batch resume')
  })

  it.each(HOLD_REASONS)('names the queue in the command unless it is the default one: %s', (reason) => {
    expect(told(reason, 'night')).toContain('conduit-batch resume night')
    expect(actionSentence(reason, 'night', true)).toContain('conduit-batch resume night')
    expect(told(reason)).not.toContain('conduit-batch resume default')
  })

  it.each(HOLD_REASONS)('is one line where it is one line, and says the reason in words: %s', (reason) => {
    expect(actionSentence(reason, 'default', true)).not.toContain('\n')
    expect(reasonInWords(reason)).toMatch(/^[A-Z][^_\n]+[a-z]$/)
  })

  it('tells both ways to give another key', () => {
    expect(told('credentials')).toMatch(/CONDUIT_API_KEY .*start the same command again/)
    expect(told('credentials')).toMatch(/CONDUIT_API_KEY_FILE.*by itself/)
  })

  it('tells where to top up, and that this is enough', () => {
    expect(told('credits')).toContain('https://conduit.im (billing dashboard). Then it goes on by itself')
  })

  it('tells that a spending limit is tried again by itself, and how often', () => {
    expect(told('spending_limit')).toContain("key's limit in the Conduit dashboard")
    expect(told('spending_limit')).toMatch(/after 1 min, doubling up to 1 h/)
  })

  it('tells that the daily quota needs nobody', () => {
    expect(told('daily_quota')).toContain('reopens by itself after midnight UTC')
  })

  it('tells to free disk space before resuming', () => {
    expect(told('storage')).toMatch(/Free disk space.*conduit-batch resume/)
  })
})

describe('what to do about a pause that no worker ends by itself', () => {
  const byHand = (reason: (typeof HOLD_REASONS)[number]) => whatToDo(reason, 'night', false)
  it.each(['credentials', 'credits', 'spending_limit', 'daily_quota'] as const)(
    'ends with the command, and promises nothing: %s',
    (reason) => {
      for (const text of [byHand(reason).join(' '), actionSentence(reason, 'night', false)]) {
        expect(text).toMatch(/No worker .*by itself now, so .*type: conduit-batch resume night$/)
        expect(text.match(/by itself/g)).toHaveLength(1)
      }
    },
  )

  it.each(['person', 'storage'] as const)('is the same as ever: %s', (reason) => {
    expect(byHand(reason)).toEqual(whatToDo(reason, 'night', true))
  })
})

describe('what ended a pause', () => {
  it('is said in words, time according to the reason', () => {
    expect(liftedInWords('person', 'credits')).toBe('somebody resumed it')
    expect(liftedInWords('new_key', 'credentials')).toBe('another API key was found')
    expect(liftedInWords('credits_seen', 'credits')).toBe('new credits were seen in the account')
    expect(liftedInWords('time', 'daily_quota')).toBe('a new day began (UTC)')
    expect(liftedInWords('time', 'spending_limit')).toBe('it was time for another try')
  })
})
