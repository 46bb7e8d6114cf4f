import { describe, expect, it } from 'vitest'
import { CannotListen, listen } from '../../src/cli/serve/listen.js'
import { createLog } from '../../src/log.js'
import { openBoardQueues } from '../../src/server/board-queues.js'
import type { Readiness } from '../../src/server/readiness.js'
import { createServer } from '../../src/server/server.js'
import { connectForTest, uniquePrefix } from '../support/redis.js'
import { ask, startServer } from '../support/servers.js'

const TOKEN = 'a-token-of-16-characters'
const BEARER = { authorization: `Bearer ${TOKEN}` }
const BASIC = { authorization: `Basic ${Buffer.from(`me:${TOKEN}`).toString('base64')}` }
const WRONG = { authorization: 'Bearer another-token-of-16' }
const NOT_READY: Readiness = { kind: 'not_ready', code: 'redis_full', message: 'Redis is full.' }

/** A server that shows a queue with one request. */
async function withQueue(token: string | null) {
  const redis = await connectForTest()
  const [completions, ...others] = openBoardQueues(redis, uniquePrefix(), ['default', 'nightly'])
  if (completions === undefined) throw new Error('no queue was opened')
  const job = await completions.bull.add('completion', { customId: 'c1', body: { prompt: 'A secret?' } })
  const url = await startServer({ token, queues: [completions, ...others] })
  return { url, bull: completions.bull, id: job.id ?? '' }
}

describe('who may look', () => {
  it.each([
    ['/queues', {}, 401],
    ['/queues', WRONG, 401],
    ['/queues', BEARER, 200],
    ['/queues', BASIC, 200],
    ['/queues/api/queues', {}, 401],
    ['/queues/api/queues', BASIC, 200],
    ['/queues/static/favicon.ico', {}, 401],
    ['/nothing-here', {}, 401],
    ['/nothing-here', BEARER, 404],
    ['/healthz', {}, 200],
    ['/readyz', {}, 200],
    ['/healthz/', {}, 401],
    ['/queues/../healthz/..%2fqueues', {}, 401],
  ])('%s with %j: %i', async (path, headers, status) => {
    const url = await startServer({ token: TOKEN })
    const answer = await ask(`${url}${path}`, headers)
    expect(answer.status).toBe(status)
    expect(answer.headers['www-authenticate'] ?? '').toMatch(status === 401 ? /^Basic .*Bearer/ : /^$/)
  })

  it('without a token, whoever asks this machine by its own name', async () => {
    const url = await startServer({ token: null })
    expect((await ask(`${url}/queues`)).status).toBe(200)
    expect((await ask(`${url}/queues`, { host: 'localhost:1234' })).status).toBe(200)
    const foreign = await ask(`${url}/queues`, { host: 'evil.example' })
    expect(foreign.status).toBe(403)
    expect(JSON.parse(foreign.text).error).toMatchObject({ code: 'foreign_host' })
    expect((await ask(`${url}/healthz`, { host: 'evil.example' })).status).toBe(200)
  })
})

describe('bull-board', () => {
  it('shows every queue under a name that can be read, with its jobs', async () => {
    const { url } = await withQueue(null)
    const page = await ask(`${url}/queues`)
    expect(page.headers['content-type']).toMatch(/^text\/html/)
    const [, script = ''] = /<script defer src="([^"]+)"/.exec(page.text) ?? []
    expect((await ask(`${url}/queues/${script}`)).status).toBe(200)
    const { text } = await ask(`${url}/queues/api/queues?activeQueue=default%3Acompletions&status=waiting`)
    const { queues } = JSON.parse(text)
    expect(queues.map((queue: { displayName: string }) => queue.displayName)).toEqual([
      'default / completions',
      'default / dead-letters',
      'default / alerts',
      'nightly / completions',
      'nightly / dead-letters',
      'nightly / alerts',
    ])
    expect(queues[0]).toMatchObject({
      readOnlyMode: true,
      jobs: [{ data: { body: { prompt: 'A secret?' } } }],
    })
  })

  it('takes no orders', async () => {
    const { url, bull, id } = await withQueue(TOKEN)
    const path = `${url}/queues/api/queues/default%3Acompletions`
    for (const [method, order] of [
      ['PUT', `${id}/clean`],
      ['PUT', 'pause'],
      ['PUT', 'obliterate'],
      ['POST', 'add'],
      ['PATCH', `${id}/update-data`],
    ] as const) {
      const answer = await ask(`${path}/${order}`, BEARER, method)
      expect(answer, order).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
    }
    expect((await ask(`${url}/queues/api/queues/pause`, BEARER, 'PUT')).status).toBe(405)
    expect(await bull.isPaused()).toBe(false)
    expect(await bull.getJob(id)).toBeDefined()
  })
})

describe('/readyz', () => {
  it('tells why it is not ready to those who may look, and to others only that', async () => {
    const url = await startServer({ token: TOKEN, ready: async () => NOT_READY })
    const inside = await ask(`${url}/readyz`, BEARER)
    const outside = await ask(`${url}/readyz`)
    expect([inside.status, outside.status]).toEqual([503, 503])
    expect(JSON.parse(inside.text).error).toMatchObject({ code: 'redis_full', message: 'Redis is full.' })
    expect(JSON.parse(outside.text).error).toMatchObject({ code: 'not_ready', message: 'Not ready.' })
  })
})

describe('an answer', () => {
  it('names the request, is kept in no cache and loads nothing from elsewhere', async () => {
    const url = await startServer({})
    const { headers, text } = await ask(`${url}/nothing-here`)
    const { error } = JSON.parse(text)
    expect(error).toEqual({
      code: 'not_found',
      message: expect.any(String),
      requestId: headers['x-request-id'],
    })
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    expect(headers['content-security-policy']).toMatch(/default-src 'none'.*script-src 'self';/)
  })

  it('to what can not be read is an envelope too', async () => {
    const url = await startServer({})
    const answer = await ask(`${url}/queues/%ZZ`)
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.text).error).toMatchObject({ code: 'bad_request' })
  })

  it('to a look that fails tells nothing of how', async () => {
    const redis = await connectForTest()
    const queues = openBoardQueues(redis, uniquePrefix(), ['default'])
    for (const { bull } of queues) {
      bull.getJobCounts = () => Promise.reject(new Error('at /some/place with A secret?'))
    }
    const url = await startServer({ queues })
    const answer = await ask(`${url}/queues/api/queues`)
    expect(answer.status).toBe(500)
    expect(JSON.parse(answer.text).error).toMatchObject({ code: 'internal_error' })
    expect(answer.text).not.toMatch(/secret|place/)
  })
})

describe('listening', () => {
  it('on a port that is taken fails in words', async () => {
    const port = Number(new URL(await startServer({})).port)
    const ready = async () => ({ kind: 'ready' }) as const
    const second = createServer({ queues: [], token: null, ready, log: createLog('silent') })
    const failure = await listen(second, '127.0.0.1', port).catch((error: unknown) => error)
    await second.close()
    expect(failure).toBeInstanceOf(CannotListen)
    expect((failure as Error).message).toContain('taken')
    expect((failure as Error).message).toContain('--port')
  })
})
