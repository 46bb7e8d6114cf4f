import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidKeyPrefix, InvalidQueueName, queueKeys, registryKey } from '../../src/redis/keys.js'

/** Every name that a queue's keys can give. */
function namesOf(prefix: string, queue: string, id: string): string[] {
  const keys = queueKeys(prefix, queue)
  const { deadLetters, inbox, ...own } = keys
  return [...Object.values(own), ...Object.values(deadLetters), ...Object.values(inbox)].map((name) =>
    typeof name === 'string' ? name : name(id),
  )
}

/** The part that a Redis cluster hashes: between the first "{" and the first "}" after it. */
function hashTag(key: string): string {
  return key.slice(key.indexOf('{') + 1, key.indexOf('}'))
}

const queueNames = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/)
const ids = fc.stringMatching(/^[a-z0-9-]{1,40}$/)

describe('the keys of a queue', () => {
  test('begin with the hash tag of prefix and queue', () => {
    const keys = queueKeys('cb', 'default')
    expect(keys.tag).toBe('{cb:default}')
    expect(keys.bullPrefix).toBe('{cb:default}')
    expect(keys.gate).toBe('{cb:default}:gate')
    expect(keys.done('b1')).toBe('{cb:default}:batch:b1:done')
  })

  test('all share one cluster slot, whatever the names', () => {
    fc.assert(
      fc.property(queueNames, ids, (queue, id) => {
        expect(new Set(namesOf('cb', queue, id).map(hashTag))).toEqual(new Set([`cb:${queue}`]))
      }),
    )
  })

  test('are all different, of one queue and of two', () => {
    fc.assert(
      fc.property(queueNames, queueNames, ids, (one, other, id) => {
        fc.pre(one !== other)
        // bullPrefix is the tag itself.
        const names = [...namesOf('cb', one, id), ...namesOf('cb', other, id)]
        expect(new Set(names).size).toBe(names.length - 2)
      }),
    )
  })

  test('differ between prefixes', () => {
    const mine = new Set(namesOf('cb', 'default', 'b1'))
    expect(namesOf('other', 'default', 'b1').filter((name) => mine.has(name))).toEqual([])
  })
})

describe('a name that can not be used', () => {
  test.each(['', 'Default', '-a', 'a b', 'a:b', 'a{b}', 'ä', 'a/b', 'a\n', 'a'.repeat(64)])(
    'refuses the queue %j and says what is allowed',
    (queue) => {
      expect(() => queueKeys('cb', queue)).toThrow(InvalidQueueName)
      expect(() => queueKeys('cb', queue)).toThrow(/1 to 63 of a-z, 0-9 and "-"/)
    },
  )

  test.each(['', '{cb}', 'a:b', 'a b', 'cb\n'])('refuses the prefix %j', (prefix) => {
    expect(() => queueKeys(prefix, 'default')).toThrow(InvalidKeyPrefix)
    expect(() => registryKey(prefix)).toThrow(InvalidKeyPrefix)
  })

  test('accepts the longest queue name', () => {
    expect(queueKeys('cb', 'a'.repeat(63)).tag).toBe(`{cb:${'a'.repeat(63)}}`)
  })
})

test('the set of queues lies under the prefix, outside of every queue', () => {
  expect(registryKey('cb')).toBe('{cb}:queues')
  expect(namesOf('cb', 'queues', 'b1')).not.toContain(registryKey('cb'))
})
