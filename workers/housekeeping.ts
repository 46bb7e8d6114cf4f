import type { Logger } from 'pino'

const EVERY_MS = 500

/**
 * Small steps that every process with workers takes again and again, each at its own pace: one that is slow or fails
 * does no harm to the others, the heartbeat above all.
 */
export function startHousekeeping(options: {
  readonly steps: readonly (() => Promise<unknown>)[]
  readonly log: Logger
}): { close(): Promise<void> } {
  let closing = false
  const wakes = new Set<() => void>()

  async function repeat(step: () => Promise<unknown>): Promise<void> {
    while (!closing) {
      await step().catch((error: Error) => options.log.warn({ err: error.message }, 'housekeeping.failed'))
      if (!closing) await pause()
    }
  }

  function pause(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        wakes.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, EVERY_MS)
      wakes.add(wake)
    })
  }

  const running = options.steps.map(repeat)
  return {
    async close() {
      closing = true
      for (const wake of [...wakes]) wake()
      await Promise.all(running)
    },
  }
}
