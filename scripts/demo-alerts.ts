import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The webhook of the demo's person. */
export interface Alerts {
  readonly url: string
  /** What came, in order: `incident.opened`, `incident.resolved`. */
  readonly types: readonly string[]
  close(): void
}

/** Listens on a free port and takes every alert. */
export async function receiveAlerts(): Promise<Alerts> {
  const types: string[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      types.push((JSON.parse(Buffer.concat(parts).toString()) as { type: string }).type)
      response.writeHead(204).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return { url, types, close: () => server.close() }
}
