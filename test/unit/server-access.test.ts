import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assertMayListen } from '../../src/cli/serve/listen.js'
import { showsToken } from '../../src/server/auth.js'
import { hostOf, isLoopback } from '../../src/server/loopback.js'

const TOKEN = '0123456789abcdef:with-a-colon'
const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

describe('the token', () => {
  it('is shown as bearer, or as the password of any user', () => {
    expect(showsToken(`Bearer ${TOKEN}`, TOKEN)).toBe(true)
    expect(showsToken(`bearer ${TOKEN}`, TOKEN)).toBe(true)
    const user = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes(':'))
    fc.assert(fc.property(user, (name) => showsToken(basic(name, TOKEN), TOKEN)))
  })

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    TOKEN,
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN} x`,
    `Token ${TOKEN}`,
    basic(TOKEN, ''),
    basic('me', `${TOKEN} `),
    `Basic ${Buffer.from(TOKEN.slice(0, 10)).toString('base64')}`,
    'Basic %%%',
  ])('is not shown by %j', (header) => {
    expect(showsToken(header, TOKEN)).toBe(false)
  })

  it('is shown by no other text', () => {
    const other = fc.string().filter((text) => text !== TOKEN)
    const shown = (text: string) =>
      showsToken(`Bearer ${text}`, TOKEN) || showsToken(basic('me', text), TOKEN)
    fc.assert(fc.property(other, (text) => !shown(text)))
  })
})

describe('this machine only', () => {
  const NEAR = ['localhost', 'LOCALHOST', '127.0.0.1', '127.1.2.3', '::1', '[::1]']
  const FAR = ['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', 'localhost.example', '127.0.0.1.example', '127', '']

  it.each(NEAR)('is meant by %s', (host) => {
    expect(isLoopback(host)).toBe(true)
    expect(() => assertMayListen(host, null)).not.toThrow()
  })

  it.each(FAR)('is not meant by %j, which needs a token', (host) => {
    expect(isLoopback(host)).toBe(false)
    expect(() => assertMayListen(host, null)).toThrow(/CONDUIT_BATCH_TOKEN/)
    expect(() => assertMayListen(host, TOKEN)).not.toThrow()
  })

  it.each([
    ['localhost:8484', 'localhost'],
    ['127.0.0.1', '127.0.0.1'],
    ['[::1]:8484', '[::1]'],
    ['evil.example:8484', 'evil.example'],
    ['a@localhost', null],
    ['localhost/x', null],
    ['', null],
    [undefined, null],
  ])('the host of %j is %j', (header, host) => {
    expect(hostOf(header)).toBe(host)
  })
})
