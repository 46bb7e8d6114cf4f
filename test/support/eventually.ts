import { vi } from 'vitest'

const LOOK_MS = 10
const DEADLINE_MS = 30_000

/**
 * Waits until a condition holds, looking every few milliseconds.
 *
 * @param what names the condition in the error
 * @throws Error when it does not hold in time, or as soon as `hopeless` says why it never will
 */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { deadlineMs = DEADLINE_MS, hopeless = () => null }: Partial<Patience> = {},
): Promise<void> {
  const giveUpAt = Date.now() + deadlineMs
  while (!(await condition())) {
    const why = hopeless() ?? (Date.now() > giveUpAt ? `not within ${deadlineMs} ms` : null)
    // Between the two looks the condition may have come true, and the process ended with it.
    if (why !== null && !(await condition())) throw new Error(`never happened: ${what} (${why})`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

/** Waits until an assertion holds; vitest's own patience of one second is too short for a busy machine. */
export function eventuallyHolds(assertion: () => void): Promise<void> {
  return vi.waitFor(assertion, { timeout: DEADLINE_MS, interval: LOOK_MS })
}

interface Patience {
  readonly deadlineMs: number
  readonly hopeless: () => string | null
}
