import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type BillingClient, createBillingClient } from '../../src/conduit/billing.js'

const CALL = { apiKey: 'sk-conduit-0123456789', timeoutMs: 5000 }
const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A billing API that gives one answer to everything, and what it was asked. */
async function billing(status: number, body: unknown): Promise<{ client: BillingClient; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`)
    response.writeHead(status, { 'x-request-id': 'req_1' })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = createBillingClient({ billingUrl: `http://127.0.0.1:${port}/api/billing` })
  cleanups.push(
    () => server.close(),
    () => client.close(),
  )
  return { client, asked }
}

const purchase = {
  id: 'led_1',
  type: 'CREDIT_PURCHASE',
  amountInCents: 5000,
  balanceAfterInCents: 5012,
  metadata: {},
  createdAt: '2026-03-09T12:00:00.000Z',
}

describe('the balance', () => {
  it('is read in cents', async () => {
    const { client, asked } = await billing(200, { balanceInCents: 1234, balanceInDollars: 12.34 })
    expect(await client.balance(CALL)).toEqual({ kind: 'balance', balanceInCents: 1234 })
    expect(asked).toEqual([`GET /api/billing/balance Bearer ${CALL.apiKey}`])
  })

  it.each([
    [401, { error: { message: 'Invalid API key', code: 'API_KEY_INVALID' } }, 'API_KEY_INVALID'],
    [500, '<html>', 'http_500'],
    [302, '', 'redirect'],
    [200, '<html>', 'unreadable_answer'],
    [200, { balanceInCents: '1234' }, 'unreadable_answer'],
    [201, { balanceInCents: 1234 }, 'unreadable_answer'],
  ])('is unavailable after a %i with %j', async (status, body, code) => {
    const { client } = await billing(status, body)
    const told = await client.balance(CALL)
    expect(told).toMatchObject({
      kind: 'unavailable',
      failure: { status, code, requestId: 'req_1' },
    })
    // Asking costs nothing.
    expect(JSON.stringify(told)).not.toMatch(/billed/i)
  })

  it('is unavailable when nobody answers', async () => {
    const { client } = await billing(200, {})
    await client.close()
    expect(await client.balance(CALL)).toMatchObject({
      kind: 'unavailable',
      failure: { code: 'network_error' },
    })
  })
})

describe('the ledger', () => {
  it('is read entry by entry, leaving out what is none', async () => {
    const debit = {
      ...purchase,
      id: 'led_2',
      type: 'USAGE_DEBIT',
      amountInCents: -3,
      balanceAfterInCents: null,
    }
    const entries = [
      purchase,
      debit,
      { ...purchase, createdAt: 'yesterday' },
      { ...purchase, amountInCents: '5' },
      null,
    ]
    const { client, asked } = await billing(200, { entries, limit: 50, offset: 100, count: 5 })
    expect(await client.ledger({ ...CALL, limit: 50, offset: 100 })).toEqual({
      kind: 'ledger',
      entries: [
        {
          id: 'led_1',
          type: 'CREDIT_PURCHASE',
          amountInCents: 5000,
          balanceAfterInCents: 5012,
          createdAtMs: Date.UTC(2026, 2, 9, 12),
        },
        {
          id: 'led_2',
          type: 'USAGE_DEBIT',
          amountInCents: -3,
          balanceAfterInCents: null,
          createdAtMs: Date.UTC(2026, 2, 9, 12),
        },
      ],
    })
    expect(asked).toEqual([`GET /api/billing/ledger?limit=50&offset=100 Bearer ${CALL.apiKey}`])
  })

  it('is asked for within the bounds Conduit sets', async () => {
    const { client, asked } = await billing(200, { entries: [] })
    await client.ledger({ ...CALL, limit: 5000, offset: -1 })
    await client.ledger({ ...CALL, limit: 0, offset: 2.5 })
    expect(asked.map((line) => line.split(' ')[1])).toEqual([
      '/api/billing/ledger?limit=100&offset=0',
      '/api/billing/ledger?limit=1&offset=2',
    ])
  })

  it('is unavailable when it holds no entries', async () => {
    const { client } = await billing(200, { entries: {} })
    expect(await client.ledger({ ...CALL, limit: 1, offset: 0 })).toMatchObject({
      kind: 'unavailable',
      failure: { code: 'unreadable_answer' },
    })
  })
})
