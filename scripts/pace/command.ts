import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { startChild } from './children.js'

const BIN = fileURLToPath(new URL('../../../bin/conduit-batch.js', import.meta.url))
const KEPT_CHARACTERS = 4000
const FINISHED_WITH_FAILURES = 2

/** A `conduit-batch` process. */
export interface Command {
  /** Rejects with the end of its stderr when it neither answered every prompt nor gave some up (codes 0 and 2). */
  readonly ended: Promise<void>
  readonly process: ChildProcess
}

/** Starts `conduit-batch` as a person would, in a directory. */
export function conduitBatch(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Command {
  const child = startChild(process.execPath, [BIN, ...args], {
    cwd,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-KEPT_CHARACTERS)
  })
  const ended = once(child, 'close').then(([code, signal]) => {
    if (code === 0 || code === FINISHED_WITH_FAILURES) return
    throw new Error(`conduit-batch ${args[0]} ended with ${code ?? signal}:\n${stderr}`)
  })
  // Whoever waits hears of it; nobody may be waiting any more.
  ended.catch(() => undefined)
  return { ended, process: child }
}
