import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from '../free-port.js'
import type { Upstream } from './place.js'

/** Something between the product and the simulator, to be taken away. */
export interface Proxy extends Upstream {
  /** Cuts what is open; the port refuses connections. Resolves with the time of the change (Unix milliseconds). */
  refuse(): Promise<number>
  /** Takes connections again, on the same port. */
  accept(): Promise<number>
}

/** Passes connections on to an upstream. */
export async function startProxy(upstream: Upstream): Promise<Proxy> {
  const target = new URL(upstream.baseUrl)
  const port = await freePort()
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket))
  }
  const pass = (client: Socket) => {
    const server = connect(Number(target.port), target.hostname)
    for (const socket of [client, server]) keep(socket)
    client.pipe(server).pipe(client)
    client.once('close', () => server.destroy())
    server.once('close', () => client.destroy())
  }
  let server: Server | undefined
  const accept = () =>
    new Promise<number>((resolve, reject) => {
      server = createServer(pass)
        .once('error', reject)
        .listen(port, '127.0.0.1', () => resolve(Date.now()))
        .unref()
    })
  await accept()
  const moved = (url: string) => Object.assign(new URL(url), { port: String(port) }).href
  return {
    baseUrl: moved(upstream.baseUrl),
    billingUrl: moved(upstream.billingUrl),
    accept,
    refuse: () =>
      new Promise((resolve) => {
        server?.close(() => resolve(Date.now()))
        for (const socket of sockets) socket.destroy()
      }),
  }
}
