import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { answerBalance, answerLedger, answerModels } from './account-endpoints.js'
import { sendError } from './answers.js'
import { REDIRECT_TARGET } from './broken-answers.js'
import { answerChat } from './chat.js'
import { answerCalls, answerControl, answerRedirected, answerStats } from './control-endpoints.js'
import { conduitError } from './envelope.js'
import type { World } from './world.js'

/** Longer than clients keep idle connections, so that it is never the simulator that closes one under a request. */
const KEEP_ALIVE_MS = 120_000

/** The HTTP server of a world, not listening yet. */
export function createSimulatorServer(world: World): Server {
  const nextRequestId = createRequestIds()
  const server = createServer((request, response) => route(world, request, response, nextRequestId()))
  server.keepAliveTimeout = KEEP_ALIVE_MS
  server.requestTimeout = 0
  return server
}

type Answer = (world: World, request: IncomingMessage, response: ServerResponse, requestId: string) => void

const ROUTES: ReadonlyMap<string, Answer> = new Map<string, Answer>([
  ['POST /v1/chat/completions', answerChat],
  ['GET /v1/models', answerModels],
  ['GET /api/billing/balance', answerBalance],
  ['GET /api/billing/ledger', answerLedger],
  ['GET /_simulator/stats', answerStats],
  ['GET /_simulator/calls', answerCalls],
  ['POST /_simulator/control', answerControl],
  [`GET ${REDIRECT_TARGET}`, answerRedirected],
  [`POST ${REDIRECT_TARGET}`, answerRedirected],
])

function answerUnknown(
  world: World,
  _request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): void {
  sendError(response, conduitError('NOT_FOUND'), requestId, world.now())
}

function route(world: World, request: IncomingMessage, response: ServerResponse, requestId: string): void {
  const path = request.url?.split('?', 1)[0]
  const answer = ROUTES.get(`${request.method} ${path}`) ?? answerUnknown
  answer(world, request, response, requestId)
}

/** Ids that differ between runs too, for they end up in the files of a batch. */
function createRequestIds(): () => string {
  const run = randomBytes(4).toString('hex')
  let number = 0
  return () => {
    number += 1
    return `req_${run}${number.toString(36).padStart(6, '0')}`
  }
}
