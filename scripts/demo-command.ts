import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../../bin/conduit-batch.js', import.meta.url))

/** Runs `conduit-batch` as a person would, on this terminal, and gives its exit code. */
export async function conduitBatch(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(process.execPath, [BIN, ...args], { env, stdio: 'inherit' })
  const passOn = () => child.kill('SIGTERM')
  process.on('SIGTERM', passOn)
  const [code] = (await once(child, 'exit').finally(() => process.off('SIGTERM', passOn))) as [number | null]
  return code ?? 1
}

/** A terminal sends these to `conduit-batch` too: that decides what they mean, and the demo outlives it. */
export function leaveInterruptsToChildren(): void {
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {})
}
