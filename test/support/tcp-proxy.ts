import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP server on the loopback that passes everything on, and can be made to do what bad networks do. */
export interface TcpProxy {
  readonly port: number
  /** Connections that clients have open. */
  readonly connections: number
  /** Closes every connection on both sides; new ones are made. */
  cut(): void
  /** Nothing gets through, and nothing is lost: `flow` delivers it. Of new connections too. */
  stall(): void
  flow(): void
  /**
   * On the connections that there are, packets vanish from now on, and neither side hears that the other has closed.
   * New connections work.
   */
  halfOpen(): void
  /** Closes new connections at once, or takes them again. */
  refuse(refused: boolean): void
  close(): Promise<void>
}

interface Link {
  readonly client: Socket
  readonly server: Socket
  dead: boolean
}

/** Passes on to a port of the loopback. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const links = new Set<Link>()
  let stalled = false
  let refused = false

  function pass(link: Link, from: Socket, to: Socket): void {
    from.on('error', () => undefined)
    from.on('data', (bytes) => {
      if (!link.dead) to.write(bytes)
    })
    from.on('close', () => {
      if (!link.dead) to.destroy()
      if (link.client.destroyed && link.server.destroyed) links.delete(link)
    })
    if (stalled) from.pause()
  }

  const listener = createServer((client) => {
    if (refused) return void client.destroy()
    const link: Link = { client, server: connect(target, '127.0.0.1'), dead: false }
    links.add(link)
    pass(link, client, link.server)
    pass(link, link.server, client)
  })
  const sockets = () => [...links].flatMap(({ client, server }) => [client, server])
  const cut = () => {
    for (const socket of sockets()) socket.destroy()
    links.clear()
  }

  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    port: (listener.address() as AddressInfo).port,
    get connections() {
      return [...links].filter(({ client, dead }) => !dead && !client.destroyed).length
    },
    cut,
    stall() {
      stalled = true
      for (const socket of sockets()) socket.pause()
    },
    flow() {
      stalled = false
      for (const socket of sockets()) socket.resume()
    },
    halfOpen() {
      for (const link of links) link.dead = true
    },
    refuse(wanted) {
      refused = wanted
    },
    async close() {
      cut()
      listener.close()
      await once(listener, 'close')
    },
  }
}
