import type { FastifyInstance } from 'fastify'
import { barTo } from './guard.js'
import type { Readiness } from './readiness.js'
import { refuse } from './refusal.js'

export interface HealthOptions {
  readonly token: string | null
  readonly ready: () => Promise<Readiness>
}

/**
 * `/healthz`: this process lives. `/readyz`: it can do its work; 503 when not. Both answer everybody, but why it is
 * not ready is told only to those who may see the rest.
 */
export function addHealth(app: FastifyInstance, { token, ready }: HealthOptions): void {
  const open = { config: { open: true as const } }
  app.get('/healthz', open, async () => ({ status: 'ok' }))
  app.get('/readyz', open, async (request, reply) => {
    const readiness = await ready()
    if (readiness.kind === 'ready') return { status: 'ok' }
    const { code, message } =
      barTo(request, token) === null ? readiness : { code: 'not_ready', message: 'Not ready.' }
    return refuse(request, reply, { status: 503, code, message })
  })
}
