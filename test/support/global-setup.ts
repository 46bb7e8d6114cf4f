import { spawnSync } from 'node:child_process'
import { env, execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { provideRedis } from '../../scripts/development-redis.js'
import { startPrivateRedis } from './private-redis.js'

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string
  }
}

/** One Redis for the whole run, and a fresh `dist/` for the tests that start real processes. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  build()
  const provided = await provideRedis({ ...env })
  if (provided.redisUrl !== null) {
    project.provide('redisUrl', provided.redisUrl)
    return provided.stop
  }
  const shared = await startPrivateRedis()
  project.provide('redisUrl', shared.url)
  return async () => {
    await shared.stop()
    await provided.stop()
  }
}

/** Incremental. Type errors don't stop it: tsc still emits, and `npm run check` reports them. */
function build(): void {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const run = (script: string, ...args: string[]): number | null =>
    spawnSync(execPath, [script, ...args], { cwd: root, stdio: 'ignore' }).status
  const compiled = run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json')
  if (compiled !== 0) process.stderr.write('The build has type errors: npm run check shows them.\n')
  for (const script of ['scripts/copy-lua.mjs', 'scripts/bundle.mjs'])
    if (run(script) !== 0) throw new Error(`${script} failed: npm run build shows why`)
}
