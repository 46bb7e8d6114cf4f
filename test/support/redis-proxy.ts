import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { inject } from 'vitest'
import { putAwayAfterAll } from './put-away.js'

const closers = new Set<() => void>()

/**
 * The Redis of this test run, by way of this process: whoever uses this URL stands still while the test does, so that
 * the test can stop it in the middle of its work on any machine.
 */
export async function redisThroughTest(): Promise<string> {
  const url = new URL(inject('redisUrl'))
  const { hostname, port } = url
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const redis = connect(Number(port), hostname)
    for (const [from, to] of [
      [client, redis],
      [redis, client],
    ] as const) {
      sockets.add(from)
      from.pipe(to)
      from.on('error', () => undefined).on('close', () => to.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.add(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return url.href
}

putAwayAfterAll(() => {
  for (const close of closers) close()
  closers.clear()
})
