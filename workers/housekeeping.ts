import type { Logger } from 'pino'

const EVERY_MS = 500

/** Small steps that every process with workers takes again and again; each may fail without harm to the others. */
export function startHousekeeping(options: {
  readonly steps: readonly (() => Promise<unknown>)[]
  readonly log: Logger
}): { close(): Promise<void> } {
  let closing = false
  let wake = (): void => {}

  async function run(): Promise<void> {
    while (!closing) {
      for (const step of options.steps) {
        await step().catch((error: Error) => options.log.warn({ err: error.message }, 'housekeeping.failed'))
      }
      if (closing) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, EVERY_MS)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  const running = run()
  return {
    async close() {
      closing = true
      wake()
      await running
    },
  }
}
