import { describe, expect, test } from 'vitest'
import { addressOf, describeTarget, InvalidRedisUrl } from '../../src/redis/target.js'

describe('a Redis URL', () => {
  test.each([
    ['redis://localhost', { host: 'localhost', port: 6379, db: 0 }],
    ['redis://10.0.0.1:6380/3', { host: '10.0.0.1', port: 6380, db: 3 }],
    ['redis://[::1]:6380', { host: '::1', port: 6380, db: 0 }],
    ['redis://:p%40ss@h', { host: 'h', port: 6379, db: 0, password: 'p@ss' }],
    ['rediss://me:secret@h:1/', { host: 'h', port: 1, db: 0, username: 'me', password: 'secret', tls: {} }],
  ])('%s says where and who', (url, address) => {
    expect(addressOf({ url })).toEqual(address)
  })

  test.each([
    ['', 'is not a URL'],
    ['localhost:6379', 'must start with redis:// or rediss://'],
    ['http://localhost', 'must start with redis:// or rediss://'],
    ['redis+sentinel://a', 'Sentinel and Cluster come later'],
    ['redis://a:1,b:2', 'is not a URL'],
    ['redis:///0', 'names no host'],
    ['redis://h/first', 'database number'],
    ['redis://h/0?family=6', 'must end after the database number'],
    ['redis://secret@h', 'redis://:password@host'],
    ['redis://:se%cret@h', 'write it as %25'],
  ])('%s is refused, saying why', (url, problem) => {
    expect(() => addressOf({ url })).toThrow(InvalidRedisUrl)
    expect(() => addressOf({ url })).toThrow(problem)
  })

  test.each([
    'redis://me:secret@h:1/2',
    'rediss://:secret@h/2',
    'redis://secret@h',
    'secret',
    'http://:secret@h',
  ])('%s is never shown with its password', (url) => {
    const words: string[] = []
    for (const use of [addressOf, describeTarget]) {
      try {
        words.push(JSON.stringify(use({ url })).replace('"password":"secret"', ''))
      } catch (error) {
        words.push(String(error))
      }
    }
    expect(words.join()).not.toContain('secret')
  })
})

test('a socket is named by its path', () => {
  expect(addressOf({ socketPath: '/a/redis.sock' })).toEqual({ path: '/a/redis.sock' })
  expect(describeTarget({ socketPath: '/a/redis.sock' })).toBe('the socket /a/redis.sock')
})
