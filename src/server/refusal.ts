import type { FastifyReply, FastifyRequest } from 'fastify'

/** Why a request is not done, as the envelope of the answer says it. */
export interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
}

/** Answers with an envelope like Conduit's: `{error: {code, message, requestId}}`. */
export function refuse(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  const { status, code, message } = refusal
  return reply.code(status).send({ error: { code, message, requestId: request.id } })
}

const CLIENT_ERROR = 400
const SERVER_ERROR = 500
const UNAVAILABLE = 503

/**
 * What an error means for whoever asked. Nothing of an error of ours gets out: its message may tell of places and
 * commands; of a request that can't be read fastify says why.
 */
export function refusalOf(error: unknown): Refusal {
  const { name, message, statusCode: status = SERVER_ERROR } = error as Error & { statusCode?: number }
  if (status >= CLIENT_ERROR && status < SERVER_ERROR) return { status, code: 'bad_request', message }
  // What ioredis gives up on after some tries, and what fastify gives up on by its own clock.
  if (status === UNAVAILABLE || name === 'MaxRetriesPerRequestError') {
    return {
      status: UNAVAILABLE,
      code: 'redis_unavailable',
      message: 'Redis does not answer. It is tried again; /readyz tells when it is back.',
    }
  }
  return {
    status: SERVER_ERROR,
    code: 'internal_error',
    message: 'It failed here. The log tells why, under this requestId.',
  }
}
