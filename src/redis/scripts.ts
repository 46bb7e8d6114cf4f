import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Redis } from 'ioredis'

/** A Lua script as Redis knows it: its text, and the SHA-1 under which it is cached. */
export interface Script {
  /** The file's name, for messages. */
  readonly name: string
  readonly source: string
  readonly sha1: string
}

export type ScriptArgument = string | number | Buffer

const loaded = new Map<string, Script>()

/**
 * Reads a `.lua` file, once a process, however many modules ask for it.
 * @param parts files that stand before it: local functions that several scripts share
 * @throws the file system's error when the file is missing (the build copies it: scripts/copy-lua.mjs)
 */
export function loadScript(url: URL, ...parts: readonly URL[]): Script {
  const known = loaded.get(url.href)
  if (known !== undefined) return known
  const path = fileURLToPath(url)
  const source = [...parts, url].map((part) => readFileSync(part, 'utf8')).join('\n')
  const script: Script = {
    name: path.slice(path.lastIndexOf('/') + 1),
    source,
    sha1: createHash('sha1').update(source).digest('hex'),
  }
  loaded.set(url.href, script)
  return script
}

/**
 * Runs a script by its hash and gives Redis's reply. A Redis that doesn't know it (restarted, failed over,
 * flushed) is sent the source, which also caches it. On a lost connection ioredis sends the call again, so
 * scripts must bear being run twice.
 * @throws Redis's error, without the arguments that ioredis attaches (they hold prompts and answers)
 */
export async function runScript(
  redis: Redis,
  script: Script,
  keys: readonly string[],
  args: readonly ScriptArgument[],
): Promise<unknown> {
  try {
    return await redis.evalsha(script.sha1, keys.length, ...keys, ...args)
  } catch (error) {
    if (!isUnknownScript(error)) throw withoutArguments(error)
  }
  try {
    return await redis.eval(script.source, keys.length, ...keys, ...args)
  } catch (error) {
    throw withoutArguments(error)
  }
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}

/** Fields in which ioredis attaches commands, those of a transaction that was given up too. */
const CARRIERS = ['command', 'previousErrors'] as const

/** Takes from an error of Redis what ioredis attaches: arguments hold prompts and answers. */
export function withoutArguments(error: unknown): unknown {
  if (error instanceof Error) for (const name of CARRIERS) Reflect.deleteProperty(error, name)
  return error
}
