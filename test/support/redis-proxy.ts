import { inject } from 'vitest'
import { putAwayAfterAll } from './put-away.js'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js'

const proxies = new Set<TcpProxy>()

/** A Redis by way of this process. */
export interface RedisProxy extends TcpProxy {
  /** To be used in place of the given one. */
  readonly url: string
}

/** A way to a Redis (that of this test run, if none is given) that can be cut, stalled and half opened. */
export async function startRedisProxy(to = inject('redisUrl')): Promise<RedisProxy> {
  const url = new URL(to)
  const proxy = await startTcpProxy(Number(url.port))
  proxies.add(proxy)
  url.host = `127.0.0.1:${proxy.port}`
  return Object.assign(Object.create(proxy) as TcpProxy, { url: url.href })
}

/**
 * The Redis of this test run, by way of this process: whoever uses this URL stands still while the test does, so that
 * the test can stop it in the middle of its work on any machine.
 */
export async function redisThroughTest(): Promise<string> {
  return (await startRedisProxy()).url
}

putAwayAfterAll(async () => {
  for (const proxy of proxies) await proxy.close()
  proxies.clear()
})
