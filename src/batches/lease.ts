import { performance } from 'node:perf_hooks'
import type { Redis } from 'ioredis'
import { isAlive, isSameHost, parseProcess } from '../process-identity.js'
import type { QueueKeys } from '../redis/keys.js'
import { loadScript, runScript } from '../redis/scripts.js'

const leaseScript = loadScript(new URL('./lease.lua', import.meta.url))

/**
 * How long a holder on another machine may be silent; one that died on this machine is seen at once. A Redis that
 * stalls for longer ends a lease, which costs its holder no more than opening its files anew.
 */
const LEASE_MS = 7500
/** How long after it was confirmed a lease is certainly still held; the rest is for what is just being written. */
const SURE_MS = 5000

/** So often a lease is to be renewed. */
export const RENEW_MS = 1000

/** The right to feed and collect in one data directory; every durable step checks it (a fence). */
export interface DirectoryLease {
  /** Takes or renews it. False while another process holds it. */
  hold(): Promise<boolean>
  /** The lease as the scripts compare it; '' when not held. */
  readonly token: string
  /** Confirmed so recently that nobody can have taken over: false in a process that stood still. */
  readonly isSure: boolean
  release(): Promise<void>
}

/**
 * @param holder this process, as `formatProcess` writes it
 * @param monotonicMs a clock that nobody sets
 */
export function createDirectoryLease(
  redis: Redis,
  keys: QueueKeys,
  directoryId: string,
  holder: string,
  monotonicMs: () => number = () => performance.now(),
): DirectoryLease {
  const key = keys.lease(directoryId)
  let token = ''
  let askedAtMs = Number.NEGATIVE_INFINITY
  let holding: Promise<boolean> | null = null

  const ask = async (leaseMs: number, dead: string): Promise<[string, string]> =>
    (await runScript(redis, leaseScript, [key, `${key}:count`], [token, holder, leaseMs, dead])) as [
      string,
      string,
    ]

  async function hold(): Promise<boolean> {
    const askedNowMs = monotonicMs()
    let [held, current] = await ask(LEASE_MS, '')
    if (held === '' && holderIsDead(current)) [held, current] = await ask(LEASE_MS, current)
    token = held
    askedAtMs = askedNowMs
    return held !== ''
  }

  return {
    get token() {
      return token
    },
    get isSure() {
      return token !== '' && monotonicMs() - askedAtMs < SURE_MS
    },
    hold() {
      // One at a time: of many that waited for a Redis that stood still, the second would not know what the first took.
      holding ??= hold().finally(() => {
        holding = null
      })
      return holding
    },
    async release() {
      await holding?.catch(() => false)
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
