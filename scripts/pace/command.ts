import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { startChild } from './children.js'

const BIN = fileURLToPath(new URL('../../../bin/conduit-batch.js', import.meta.url))
const KEPT_CHARACTERS = 4000

/** A `conduit-batch` process. */
export interface Command {
  /** What it wrote on stdout; rejects with the end of its stderr when it ends with another code than 0. */
  readonly ended: Promise<string>
  readonly process: ChildProcess
}

/** Starts `conduit-batch` as a person would, in a directory. */
export function conduitBatch(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Command {
  const child = startChild(process.execPath, [BIN, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  listen(child.stdout, (text) => {
    stdout += text
  })
  listen(child.stderr, (text) => {
    stderr = (stderr + text).slice(-KEPT_CHARACTERS)
  })
  const ended = once(child, 'close').then(([code, signal]) => {
    if (code === 0) return stdout
    throw new Error(`conduit-batch ${args[0]} ended with ${code ?? signal}:\n${stderr}`)
  })
  // Whoever waits hears of it; nobody may be waiting any more.
  ended.catch(() => undefined)
  return { ended, process: child }
}

function listen(stream: Readable | null, hear: (text: string) => void): void {
  stream?.setEncoding('utf8').on('data', hear)
}
