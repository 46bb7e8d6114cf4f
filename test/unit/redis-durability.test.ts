import { describe, expect, test } from 'vitest'
import { assertDurable, EvictingRedis, type RedisInspection, RedisTooOld } from '../../src/redis/inspect.js'

const good: RedisInspection = {
  version: '7.0.15',
  server: 'redis',
  maxmemoryPolicy: 'noeviction',
  appendOnly: true,
  usedMemoryBytes: 1,
  maxMemoryBytes: 0,
}

describe('a Redis', () => {
  test('that evicts nothing and has AOF earns no warning', () => {
    expect(assertDurable(good)).toEqual([])
  })

  test.each(['allkeys-lru', 'volatile-lru', 'allkeys-lfu', 'volatile-ttl', 'allkeys-random'])(
    'with the policy %s is refused, with the line to type',
    (maxmemoryPolicy) => {
      expect(() => assertDurable({ ...good, maxmemoryPolicy })).toThrow(EvictingRedis)
      expect(() => assertDurable({ ...good, maxmemoryPolicy })).toThrow(
        'CONFIG SET maxmemory-policy noeviction',
      )
    },
  )

  test('without AOF earns a warning', () => {
    expect(assertDurable({ ...good, appendOnly: false })).toEqual([expect.stringContaining('appendonly yes')])
  })

  test('that does not tell earns a warning for each thing', () => {
    expect(assertDurable({ ...good, appendOnly: null, maxmemoryPolicy: null })).toHaveLength(2)
  })

  test.each(['6.0.16', '5.0.7', '6.1.9', '2.8'])('of version %s is too old', (version) => {
    expect(() => assertDurable({ ...good, version })).toThrow(RedisTooOld)
  })

  test.each(['6.2.0', '6.10.1', '7.0.15', '8.0', '255.255.255', 'unknown'])(
    'of version %s is not',
    (version) => {
      expect(assertDurable({ ...good, version })).toEqual([])
    },
  )

  test('of another product is not measured by the versions of Redis', () => {
    expect(assertDurable({ ...good, server: 'dragonfly', version: '1.30.0' })).toEqual([])
  })
})
