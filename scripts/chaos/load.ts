import { spawn } from 'node:child_process'
import { cpus } from 'node:os'

/** Keeps every core busy, so that all else is late. */
export function startLoad(): { stop(): void } {
  const burners = cpus().map(() => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }))
  return {
    stop() {
      for (const burner of burners) burner.kill('SIGKILL')
    },
  }
}
