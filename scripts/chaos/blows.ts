import { setTimeout as sleep } from 'node:timers/promises'
import { watchIdleness } from './idleness.js'
import type { Strike } from './strike.js'
import type { Manned, World } from './world.js'

const PURSE_CENTS = 100_000_000
/** Calls in flight have 30 s, a Redis that is gone 15 s more. */
const MOST_ENDING_MS = 50_000

/** Carries out a strike from its beginning to its end. Gives what went wrong with it, in words. */
export async function carryOut(world: World, { target, blow, forMs }: Strike): Promise<string | null> {
  switch (target.kind) {
    case 'process':
      return strikeProcess(postNamed(world, target.name), blow, forMs)
    case 'link':
      return strikeLink(postNamed(world, target.name.replace('network of ', '')), blow, forMs)
    case 'redis':
      return strikeRedis(world, blow, forMs)
    case 'disk':
      world.disk?.fill()
      await sleep(forMs)
      world.disk?.free()
      return null
    case 'account':
      world.simulator.control({ balanceCents: 0 })
      await sleep(forMs)
      world.simulator.control({ topUpCents: PURSE_CENTS })
      return typeResume(world)
  }
}

/** As somebody would who has topped up: again, when Redis could not be reached. */
export async function typeResume(world: World): Promise<string | null> {
  for (let tries = 0; tries < 10; tries++) {
    if ((await world.command('resume')).code === 0) return null
    await sleep(1000)
  }
  return 'resume failed ten times'
}

async function strikeProcess({ slot, name }: Manned, blow: string, forMs: number): Promise<string | null> {
  if (!slot.running) return null
  if (blow === 'freeze') {
    slot.signal('SIGSTOP')
    await sleep(forMs)
    slot.signal('SIGCONT')
    return null
  }
  const ended = slot.end(blow === 'kill' ? 'SIGKILL' : 'SIGTERM')
  const late = Symbol()
  const timer = new AbortController()
  const how = await Promise.race([
    ended,
    sleep(MOST_ENDING_MS, late, { signal: timer.signal }).catch(() => late),
  ])
  timer.abort()
  if (how === late) await slot.end('SIGKILL')
  await sleep(forMs)
  slot.start()
  return how === late ? `${name} did not end within ${MOST_ENDING_MS / 1000} s of SIGTERM` : null
}

async function strikeLink({ link }: Manned, blow: string, forMs: number): Promise<null> {
  if (blow === 'half_open') {
    link.halfOpen()
    return null
  }
  if (blow === 'cut') link.cut()
  else link.stall()
  await sleep(forMs)
  link.mend()
  return null
}

async function strikeRedis(world: World, blow: string, forMs: number): Promise<string | null> {
  const { redis } = world
  if (blow === 'freeze') redis.freeze()
  else await redis.end(blow === 'kill' ? 'SIGKILL' : 'SIGTERM')
  const busy = watchIdleness(world)
  await sleep(forMs)
  const found = busy()
  if (blow === 'freeze') redis.thaw()
  else await redis.restart()
  return found.length === 0 ? null : found.join(', ')
}

function postNamed({ posts }: World, name: string): Manned {
  const post = posts.find((one) => one.name === name)
  if (post === undefined) throw new Error(`no process is called ${name}`)
  return post
}
