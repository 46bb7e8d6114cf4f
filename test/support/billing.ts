import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { putAwayAfterAll } from './put-away.js'

const closers = new Set<() => void>()

/** What an endpoint does instead of answering as it should. */
type Trouble = 'broken' | 'hangs'

/** An account whose answers are as the test says. */
export interface ScriptedAccount {
  readonly billingUrl: string
  /** In cents. */
  balance: number | Trouble
  /** As they are sent, the newest first. */
  ledger: { readonly id: string; readonly createdAt: string; readonly [field: string]: unknown }[] | Trouble
  /** How often each was asked for. */
  readonly asked: { balance: number; ledger: number }
  /** Writes a purchase that was made at a time (ms), now when not given. */
  buy(id: string, at?: number): void
}

export async function scriptAccount(balance = 0): Promise<ScriptedAccount> {
  const server = createServer((request, response) => {
    const what = request.url?.includes('/ledger') ? 'ledger' : 'balance'
    account.asked[what]++
    const said = account[what]
    if (said === 'hangs') return
    response.writeHead(said === 'broken' ? 502 : 200, { 'content-type': 'application/json' })
    const offset = Number(new URL(request.url ?? '', 'http://x').searchParams.get('offset') ?? 0)
    const entries = typeof said === 'object' ? said.slice(offset, offset + 100) : []
    const body = what === 'balance' ? { balanceInCents: said } : { entries }
    response.end(said === 'broken' ? '<html>bad gateway' : JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.add(() => {
    server.close()
    server.closeAllConnections()
  })
  const account: ScriptedAccount = {
    billingUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/billing`,
    balance,
    ledger: [],
    asked: { balance: 0, ledger: 0 },
    buy(id, at = Date.now()) {
      const entry = { id, type: 'CREDIT_PURCHASE', amountInCents: 500, createdAt: new Date(at).toISOString() }
      if (typeof account.ledger === 'object') account.ledger.unshift(entry)
    },
  }
  return account
}

putAwayAfterAll(() => {
  for (const close of closers) close()
  closers.clear()
})
