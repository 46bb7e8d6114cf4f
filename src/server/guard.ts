import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { CHALLENGES, showsToken } from './auth.js'
import { hostOf, isLoopback } from './loopback.js'
import { type Refusal, refuse } from './refusal.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers whoever asks. */
    open?: true
  }
}

const UNAUTHORIZED: Refusal = {
  status: 401,
  code: 'unauthorized',
  message:
    'Show CONDUIT_BATCH_TOKEN: as Authorization: Bearer …, or in a browser as the password, with any user name.',
}

/** A page of another site can make its own name lead here (DNS rebinding), but not change the Host header. */
const FOREIGN_HOST: Refusal = {
  status: 403,
  code: 'foreign_host',
  message:
    'Without CONDUIT_BATCH_TOKEN only this machine may ask, by the name localhost or 127.0.0.1. Set the token to use another name.',
}

/** Why a request may not see what is not open to everybody; null: it may. Without a token only this machine may. */
export function barTo(request: FastifyRequest, token: string | null): Refusal | null {
  const { authorization, host } = request.headers
  if (token !== null) return showsToken(authorization, token) ? null : UNAUTHORIZED
  return isLoopback(hostOf(host) ?? '') ? null : FOREIGN_HOST
}

/** Keeps everything that is not marked as open, paths that do not exist included, from those who may not see it. */
export function addGuard(app: FastifyInstance, token: string | null): void {
  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    if (request.routeOptions.config.open === true) return
    const bar = barTo(request, token)
    if (bar === null) return
    if (bar.status === UNAUTHORIZED.status) reply.header('www-authenticate', CHALLENGES)
    return refuse(request, reply, bar)
  })
}
