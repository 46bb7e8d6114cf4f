import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { sendError, sendJson } from './answers.js'
import { type ApiError, conduitError } from './envelope.js'
import { checkKey } from './keys.js'
import { fieldMessages } from './options.js'
import type { World } from './world.js'

const pageSchema = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  offset: z.coerce.number().int().min(0).default(0),
})

/** `GET /v1/models`: free, and it proves the key (Conduit: Models). */
export const answerModels = freeRequest('models', (world) => ({
  kind: 'found',
  body: { object: 'list', data: world.settings.models.map(describeModel) },
}))

/** `GET /api/billing/balance`: free (Conduit: Usage). */
export const answerBalance = freeRequest('balance', (world) => {
  const cents = world.account.balanceCents()
  return { kind: 'found', body: { balanceInCents: cents, balanceInDollars: cents / 100 } }
})

/** `GET /api/billing/ledger?limit=1..100&offset=`: free, the newest first; `count` is how many this page has. */
export const answerLedger = freeRequest('ledger', (world, url) => {
  const page = pageSchema.safeParse(Object.fromEntries(new URLSearchParams(url.split('?')[1])))
  if (!page.success) {
    return { kind: 'refused', error: conduitError('VALIDATION_ERROR', { fields: fieldMessages(page.error) }) }
  }
  const { limit, offset } = page.data
  const entries = world.account.ledgerPage(limit, offset)
  return { kind: 'found', body: { entries, limit, offset, count: entries.length } }
})

type Result = { kind: 'found'; body: object } | { kind: 'refused'; error: ApiError }

/** A request that needs a valid key and costs nothing. */
function freeRequest(endpoint: 'models' | 'balance' | 'ledger', find: (world: World, url: string) => Result) {
  return (world: World, request: IncomingMessage, response: ServerResponse, requestId: string): void => {
    world.statistics.other(endpoint)
    const check = checkKey(world.settings, request.headers.authorization)
    const result: Result =
      check.kind === 'refused'
        ? { kind: 'refused', error: conduitError(check.code) }
        : find(world, request.url ?? '')
    if (result.kind === 'refused') sendError(response, result.error, requestId, world.now())
    else sendJson(response, 200, requestId, JSON.stringify(result.body))
  }
}

function describeModel(id: string) {
  return { id, object: 'model', created: 1_700_000_000, owned_by: 'simulator' }
}
