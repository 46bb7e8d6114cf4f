import type { Redis } from 'ioredis'

/** What a process dies of, between any two of its steps. */
export class Crash extends Error {
  readonly code = 'crash'
}

/** When the process dies: at the so-and-so-many-th command from now, with that command carried out or not. */
export interface CrashPoint {
  readonly commands: number
  readonly carriedOut: boolean
}

/** A connection on which a process can die in the middle of what it does. */
export interface CrashingRedis {
  readonly redis: Redis
  /** Null: it does not die. */
  arm(point: CrashPoint | null): void
}

/** What returns no promise: a transaction that is begun, a listener. */
const AT_ONCE = new Set(['multi', 'pipeline'])
const HARMLESS = new Set(['on', 'once', 'off', 'removeListener', 'emit', 'listenerCount', 'setMaxListeners'])

/** Passes every command on, until it is time to die: then this command and all later ones are refused. */
export function crashingRedis(real: Redis): CrashingRedis {
  let point: CrashPoint | null = null
  let done = 0
  const redis = new Proxy(real, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function' || HARMLESS.has(String(name))) return value
      return (...args: unknown[]) => {
        const run = () => Reflect.apply(value, target, args) as unknown
        if (point === null) return run()
        done++
        if (done < point.commands) return run()
        if (AT_ONCE.has(String(name))) throw new Crash(String(name))
        return done === point.commands && point.carriedOut ? dieAfter(run()) : dieNow(String(name))
      }
    },
  })
  return {
    redis,
    arm(next) {
      point = next
      done = 0
    },
  }
}

async function dieAfter(result: unknown): Promise<never> {
  await result
  throw new Crash('after a command')
}

async function dieNow(name: string): Promise<never> {
  throw new Crash(`before ${name}`)
}
