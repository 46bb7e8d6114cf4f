import { listenForInterruptions } from '../../../workers/interruptions.js'
import { createScreen } from '../run/screen.js'

/** What a portion of the work came to. */
export interface PortionsEnd {
  /** Somebody pressed Ctrl-C; what was done stays done. */
  readonly interrupted: boolean
}

/** Where nobody can see a line change, one is written this often. */
const PLAIN_EVERY_MS = 5000

/**
 * Does work portion by portion, with a line that tells how far it is. Ctrl-C ends it between two portions.
 * @param step does one portion, and gives the line
 */
export async function inPortions<T>(
  portions: AsyncIterable<T>,
  step: (portion: T) => Promise<string>,
): Promise<PortionsEnd> {
  const interruptions = listenForInterruptions(async () => {})
  interruptions.takeOver()
  const screen = createScreen()
  let toldAt = Date.now()
  try {
    for await (const portion of portions) {
      if (interruptions.count > 0) return { interrupted: true }
      const line = await step(portion)
      screen.passing(line)
      if (screen.isTerminal || Date.now() - toldAt < PLAIN_EVERY_MS) continue
      screen.notice(line)
      toldAt = Date.now()
    }
    return { interrupted: false }
  } finally {
    screen.close()
    interruptions.close()
  }
}
