import type { Redis } from 'ioredis'
import { isAlive, isSameHost, parseProcess } from '../process-identity.js'
import type { QueueKeys } from '../redis/keys.js'
import { loadScript, runScript } from '../redis/scripts.js'

const leaseScript = loadScript(new URL('./lease.lua', import.meta.url))

/** Longer than a Redis that stalls for a moment; a holder that died on this machine is seen at once anyway. */
const LEASE_MS = 10_000

/** The right to feed and collect in one data directory; every durable step checks it (a fence). */
export interface DirectoryLease {
  /** Takes or renews it. False while another process holds it. */
  hold(): Promise<boolean>
  /** The lease as the scripts compare it; '' when not held. */
  readonly token: string
  release(): Promise<void>
}

/** @param holder this process, as `formatProcess` writes it */
export function createDirectoryLease(
  redis: Redis,
  keys: QueueKeys,
  directoryId: string,
  holder: string,
): DirectoryLease {
  const key = keys.lease(directoryId)
  let token = ''

  const ask = async (leaseMs: number, dead: string): Promise<[string, string]> =>
    (await runScript(redis, leaseScript, [key, `${key}:count`], [token, holder, leaseMs, dead])) as [
      string,
      string,
    ]

  return {
    get token() {
      return token
    },
    async hold() {
      let [held, current] = await ask(LEASE_MS, '')
      if (held === '' && holderIsDead(current)) [held, current] = await ask(LEASE_MS, current)
      token = held
      return held !== ''
    },
    async release() {
      if (token !== '') await ask(0, '')
      token = ''
    },
  }
}

/** Known dead: it ran on this machine, and no such process is there any more. */
function holderIsDead(lease: string): boolean {
  const holder = parseProcess(lease.split(' ')[0] ?? '')
  return holder !== null && isSameHost(holder) && !isAlive(holder)
}
