import type { FastifyInstance } from 'fastify'
import { isLoopback } from '../../server/loopback.js'

/** Whoever reaches an open port could read every prompt. */
export class HostNeedsToken extends Error {
  readonly code = 'host_needs_token'

  constructor(host: string) {
    super(
      `--host ${host} is beyond this machine, and whoever reaches it could read prompts: set CONDUIT_BATCH_TOKEN ` +
        'first (openssl rand -hex 24 makes one), or leave --host out to stay on 127.0.0.1',
    )
    this.name = 'HostNeedsToken'
  }
}

/** The port or the address can't be had. */
export class CannotListen extends Error {
  readonly code = 'cannot_listen'

  constructor(host: string, port: number, reason: string) {
    super(`serve can't listen on ${host}:${port}: ${reason}`)
    this.name = 'CannotListen'
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE:
    'the port is taken, by another serve perhaps. Choose another with --port (0 takes any that is free)',
  EACCES: 'this user may not take that port. Choose one above 1023 with --port',
  EADDRNOTAVAIL: 'this machine has no such address. Choose one of its own with --host',
  ENOTFOUND: 'the host name is not known. Choose an address of this machine with --host',
  EAI_AGAIN: 'the host name could not be looked up. Choose an address of this machine with --host',
}

/** @throws HostNeedsToken beyond loopback without a token */
export function assertMayListen(host: string, token: string | null): void {
  if (token === null && !isLoopback(host)) throw new HostNeedsToken(host)
}

/**
 * Starts to listen and gives the URL, with the port that was given out for 0.
 * @throws CannotListen
 */
export async function listen(server: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    await server.listen({ host, port })
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === undefined || code.startsWith('FST_')) throw error
    throw new CannotListen(host, port, REASONS[code] ?? code)
  }
  const address = server.server.address()
  const given = typeof address === 'object' && address !== null ? address.port : port
  return `http://${host.includes(':') ? `[${host}]` : host}:${given}`
}
