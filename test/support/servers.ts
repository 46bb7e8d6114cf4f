import { type IncomingHttpHeaders, request } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { listen } from '../../src/cli/serve/listen.js'
import { createLog } from '../../src/log.js'
import { createServer, type ServerOptions } from '../../src/server/server.js'
import { putAwayAfterAll } from './put-away.js'

const servers = new Set<FastifyInstance>()

/** A server that listens on the loopback; closed when the file is done. Gives its URL. */
export async function startServer(options: Partial<ServerOptions>): Promise<string> {
  const server = createServer({
    queues: [],
    token: null,
    ready: async () => ({ kind: 'ready' }),
    log: createLog('silent'),
    ...options,
  })
  servers.add(server)
  return listen(server, '127.0.0.1', 0)
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** Asks, with any headers: fetch would choose `Host` itself. */
export function ask(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers, method }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
    })
    asked.on('error', reject).end()
  })
}

putAwayAfterAll(async () => {
  for (const server of servers) await server.close()
  servers.clear()
})
