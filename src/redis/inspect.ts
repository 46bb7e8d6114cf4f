import type { Redis } from 'ioredis'

/** What matters to us about a Redis server. Null: it does not say. */
export interface RedisInspection {
  /** The server's own version, of its own product. */
  readonly version: string
  readonly server: 'redis' | 'valkey' | 'dragonfly'
  readonly maxmemoryPolicy: string | null
  readonly appendOnly: boolean | null
  readonly usedMemoryBytes: number
  /** 0: no limit. */
  readonly maxMemoryBytes: number
}

/** A Redis that deletes keys when its memory is full would lose answers. */
export class EvictingRedis extends Error {
  readonly code = 'redis_evicting'

  constructor(policy: string) {
    super(
      `Redis has the maxmemory-policy ${policy}: when its memory is full it deletes keys, and with them requests ` +
        'and answers. Set it to noeviction (redis-cli CONFIG SET maxmemory-policy noeviction, and in redis.conf)',
    )
    this.name = 'EvictingRedis'
  }
}

/** BullMQ and our scripts use commands that came with 6.2. */
export class RedisTooOld extends Error {
  readonly code = 'redis_too_old'

  constructor(version: string) {
    super(`Redis ${version} is too old: 6.2 or newer is needed (or any Valkey)`)
    this.name = 'RedisTooOld'
  }
}

/** Reads version and durability, from INFO where it has them: managed services often forbid CONFIG. */
export async function inspectRedis(redis: Redis): Promise<RedisInspection> {
  const info = parseInfo(await redis.info())
  const aof = info.get('aof_enabled') ?? (await readConfig(redis, 'appendonly'))
  return {
    ...productOf(info),
    maxmemoryPolicy: info.get('maxmemory_policy') ?? (await readConfig(redis, 'maxmemory-policy')),
    appendOnly: aof === null ? null : aof === '1' || aof === 'yes',
    usedMemoryBytes: Number(info.get('used_memory') ?? 0),
    maxMemoryBytes: Number(info.get('maxmemory') ?? 0),
  }
}

/** Gives how much memory Redis uses, as it counts that against what it may use (0: no limit). */
export async function readMemory(redis: Redis): Promise<{ usedBytes: number; maxBytes: number }> {
  const info = parseInfo(await redis.info('memory'))
  const number = (name: string) => Number(info.get(name) ?? 0)
  return {
    usedBytes: number('used_memory') - number('mem_not_counted_for_evict'),
    maxBytes: number('maxmemory'),
  }
}

/**
 * Gives warnings, a sentence each, about what a Redis may lose.
 * @throws RedisTooOld, EvictingRedis
 */
export function assertDurable(inspection: RedisInspection): readonly string[] {
  const { server, version, maxmemoryPolicy, appendOnly } = inspection
  if (server === 'redis' && isOlderThan(version, 6, 2)) throw new RedisTooOld(version)
  if (maxmemoryPolicy !== null && maxmemoryPolicy !== 'noeviction') throw new EvictingRedis(maxmemoryPolicy)
  const warnings: string[] = []
  if (maxmemoryPolicy === null) {
    warnings.push('Redis does not tell its maxmemory-policy: make sure that it is noeviction')
  }
  if (appendOnly === null) warnings.push('Redis does not tell whether it has AOF: make sure that it is on')
  if (appendOnly === false) {
    warnings.push('Redis runs without AOF: when it restarts, batches in work are lost (set appendonly yes)')
  }
  return warnings
}

function parseInfo(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\r\n').filter((line) => line.includes(':'))
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
}

function productOf(info: ReadonlyMap<string, string>): Pick<RedisInspection, 'server' | 'version'> {
  const valkey = info.get('valkey_version')
  if (valkey !== undefined) return { server: 'valkey', version: valkey }
  const dragonfly = info.get('dragonfly_version')
  if (dragonfly !== undefined) return { server: 'dragonfly', version: dragonfly }
  return { server: 'redis', version: info.get('redis_version') ?? 'unknown' }
}

async function readConfig(redis: Redis, name: string): Promise<string | null> {
  try {
    const reply = await redis.config('GET', name)
    return Array.isArray(reply) && typeof reply[1] === 'string' ? reply[1] : null
  } catch (error) {
    if (error instanceof Error && /^(ERR|NOPERM)/.test(error.message)) return null
    throw error
  }
}

function isOlderThan(version: string, major: number, minor: number): boolean {
  const [found = Number.NaN, foundMinor = 0] = version.split('.').map(Number)
  // A version that is no number is a product's own; it is not called old for that.
  return found < major || (found === major && foundMinor < minor)
}
