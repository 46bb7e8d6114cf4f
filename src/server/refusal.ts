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

/**
 * What an error means for whoever asked. Nothing of an error of ours gets out: its message may tell of places and
 * commands; of a request that can't be read fastify says why.
 */
export function refusalOf(error: unknown): Refusal {
  const { statusCode: status = SERVER_ERROR, message } = error as { statusCode?: number; message: string }
  if (status >= CLIENT_ERROR && status < SERVER_ERROR) return { status, code: 'bad_request', message }
  return {
    status: SERVER_ERROR,
    code: 'internal_error',
    message: 'It failed here. The log tells why, under this requestId; /readyz tells whether Redis answers.',
  }
}
