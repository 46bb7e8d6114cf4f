import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { freePort } from '../free-port.js'

/** The network between one process and Redis. */
export interface Link {
  readonly url: string
  /** Cuts every connection, and refuses new ones until `mend`. */
  cut(): void
  /** Holds back whatever comes, new connections too, until `mend`. */
  stall(): void
  /** Leaves the open connections open at both ends, and lets nothing through them any more. */
  halfOpen(): void
  mend(): void
  close(): void
}

interface Pair {
  readonly ends: readonly [Socket, Socket]
  dead: boolean
}

/** Passes connections on to a Redis on the loopback. */
export async function startLink(redisPort: number): Promise<Link> {
  const port = await freePort()
  const pairs = new Set<Pair>()
  let state: 'open' | 'cut' | 'stalled' = 'open'
  const destroy = () => {
    for (const { ends } of pairs) for (const end of ends) end.destroy()
  }
  const server = createServer((client) => {
    if (state === 'cut') {
      client.destroy()
      return
    }
    const pair: Pair = { ends: [client, connect(redisPort, '127.0.0.1')], dead: false }
    pairs.add(pair)
    forward(pair, 0, 1)
    forward(pair, 1, 0)
    pair.ends[0].once('close', () => pairs.delete(pair))
    if (state === 'stalled') for (const end of pair.ends) end.pause()
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `redis://127.0.0.1:${port}/0`,
    cut() {
      state = 'cut'
      destroy()
    },
    stall() {
      state = 'stalled'
      for (const { ends } of pairs) for (const end of ends) end.pause()
    },
    halfOpen() {
      for (const pair of pairs) pair.dead = true
    },
    mend() {
      state = 'open'
      for (const { ends } of pairs) for (const end of ends) end.resume()
    },
    close() {
      server.close()
      destroy()
    },
  }
}

function forward(pair: Pair, from: 0 | 1, to: 0 | 1): void {
  const [source, target] = [pair.ends[from], pair.ends[to]]
  source.setNoDelay(true)
  source.on('data', (bytes) => {
    if (!pair.dead && !target.destroyed) target.write(bytes)
  })
  source.on('error', () => undefined)
  source.once('close', () => {
    if (!pair.dead) target.destroy()
  })
}
