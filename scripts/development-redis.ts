import { findServerBinary } from '../src/redis/server/binary.js'
import { HOW_TO_GET_REDIS } from '../src/redis/server/errors.js'
import { canInstall, type Environment, installServer } from './install-redis.js'
import { startContainer } from './redis-container.js'

/** A Redis for the demo and the tests. The product itself never uses a container and never installs anything. */
export interface ProvidedRedis {
  /** Where it comes from, for people. */
  readonly how: string
  /** Null: a server binary is on PATH, and the product's private server is to be used. */
  readonly redisUrl: string | null
  stop(): Promise<void>
}

/** Nothing that was tried gave a Redis. */
export class NoDevelopmentRedis extends Error {
  readonly code = 'no_development_redis'

  constructor(tried: readonly string[]) {
    const list = (lines: readonly string[]): string => lines.map((line) => `  ${line}`).join('\n')
    super(`No Redis to run on. Tried:\n${list(tried)}\nOne of these gives one:\n${list(HOW_TO_GET_REDIS)}`)
    this.name = 'NoDevelopmentRedis'
  }
}

const saysOnStderr = (line: string): void => void process.stderr.write(`${line}\n`)
const nothingToStop = async (): Promise<void> => undefined

/**
 * Provides a Redis, by the first of these that works: REDIS_URL; a server binary on PATH; a container, where Docker
 * answers; as root on a machine with apt-get, an installation from the distribution.
 * `CONDUIT_BATCH_TEST_REDIS=testcontainers` allows only the container.
 * @param env the caller's environment; Testcontainers reads its own settings (DOCKER_HOST, …) itself
 * @param say hears, in lines, what takes long or changes the machine
 * @throws NoDevelopmentRedis with the line to type
 */
export async function provideRedis(env: Environment, say = saysOnStderr): Promise<ProvidedRedis> {
  const forced = env.CONDUIT_BATCH_TEST_REDIS === 'testcontainers'
  if (!forced) {
    const existing = existingRedis(env)
    if (existing !== null) return existing
  }
  const tried = forced ? [] : ['REDIS_URL: not set', 'redis-server, valkey-server: not on PATH']
  try {
    const { url, stop } = await startContainer(say)
    return { how: 'a redis:8-alpine container', redisUrl: url, stop }
  } catch (error) {
    tried.push(`Docker: ${messageOf(error)}`)
  }
  if (forced) throw new NoDevelopmentRedis(tried)
  return installedRedis(env, tried, say)
}

function existingRedis(env: Environment): ProvidedRedis | null {
  const url = env.REDIS_URL
  if (url !== undefined && url !== '') return { how: 'REDIS_URL', redisUrl: url, stop: nothingToStop }
  const binary = findServerBinary(env.PATH)
  return binary === null ? null : { how: binary, redisUrl: null, stop: nothingToStop }
}

async function installedRedis(
  env: Environment,
  tried: string[],
  say: (line: string) => void,
): Promise<ProvidedRedis> {
  if (!canInstall(env)) throw new NoDevelopmentRedis([...tried, 'apt-get: only for root, where there is one'])
  say('There is no Redis here: installing redis-server with apt-get (as root).')
  try {
    installServer(env)
  } catch (error) {
    throw new NoDevelopmentRedis([...tried, `apt-get: ${messageOf(error)}`])
  }
  const binary = findServerBinary(env.PATH)
  if (binary === null)
    throw new NoDevelopmentRedis([...tried, 'apt-get: it installed no redis-server on PATH'])
  return { how: `${binary}, just installed with apt-get`, redisUrl: null, stop: nothingToStop }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
