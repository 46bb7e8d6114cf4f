import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An alert as it arrived. */
export interface Arrived {
  readonly type: string
  readonly incident: string
}

/** A webhook that takes every alert. */
export interface Receiver {
  readonly url: string
  readonly alerts: readonly Arrived[]
  close(): void
}

/** Listens on a free port of the loopback. */
export async function startReceiver(): Promise<Receiver> {
  const alerts: Arrived[] = []
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    try {
      for await (const part of request) parts.push(part as Buffer)
      alerts.push(JSON.parse(Buffer.concat(parts).toString()) as Arrived)
      response.writeHead(204).end()
    } catch {
      // Its sender was killed in the middle of it.
      response.destroy()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    alerts,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
