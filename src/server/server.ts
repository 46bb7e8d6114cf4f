import { randomBytes } from 'node:crypto'
import { type FastifyInstance, fastify } from 'fastify'
import type { Logger } from 'pino'
import { addBoard, BOARD_PATH } from './board.js'
import type { BoardQueue } from './board-queues.js'
import { addGuard } from './guard.js'
import { addHeaders } from './headers.js'
import { addHealth } from './health.js'
import type { Readiness } from './readiness.js'
import { refusalOf, refuse } from './refusal.js'

export interface ServerOptions {
  readonly queues: readonly BoardQueue[]
  /** What a client must show; null: only this machine may ask. */
  readonly token: string | null
  readonly ready: () => Promise<Readiness>
  readonly log: Logger
}

/** A request has no body here that would be read. */
const MOST_BODY_BYTES = 64 * 1024
/** A Redis that hangs never answers. */
const LONGEST_LOOK_MS = 10_000
const SERVER_ERROR = 500

/**
 * The HTTP server, not yet listening: bull-board at `/queues`, `/healthz` and `/readyz`. Errors are answered with
 * `{error: {code, message, requestId}}`, never with a stack.
 */
export function createServer({ queues, token, ready, log }: ServerOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: MOST_BODY_BYTES,
    handlerTimeout: LONGEST_LOOK_MS,
    genReqId: () => `req_${randomBytes(8).toString('hex')}`,
    // Whoever looks loses nothing when the process ends.
    forceCloseConnections: true,
    frameworkErrors: (error, request, reply) => refuse(request, reply, refusalOf(error)),
  })
  addHeaders(app)
  addGuard(app, token)
  app.setNotFoundHandler((request, reply) =>
    refuse(request, reply, {
      status: 404,
      code: 'not_found',
      message: `There is nothing here. Look at ${BOARD_PATH}.`,
    }),
  )
  app.setErrorHandler((error, request, reply) => {
    const refusal = refusalOf(error)
    if (refusal.status === SERVER_ERROR) {
      const { method, routeOptions, id } = request
      log.error(
        { err: (error as Error).message, method, route: routeOptions.url, requestId: id },
        'http.failed',
      )
    }
    return refuse(request, reply, refusal)
  })
  addHealth(app, { token, ready })
  app.get('/', (_request, reply) => reply.redirect(BOARD_PATH))
  addBoard(app, queues)
  return app
}
