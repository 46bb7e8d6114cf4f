import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below the range from which systems give ports to clients (32768 on Linux, 49152 elsewhere). */
const PORTS = { from: 20_000, to: 32_000 }

/**
 * A port that nobody is given by chance: while a killed server's port lies in the range for clients, whoever tries to
 * reach it may be given that very port, reach itself, and be in the way when the server starts again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.to)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
