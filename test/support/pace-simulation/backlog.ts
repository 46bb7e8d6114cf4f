import type { VirtualClock } from './clock.js'

export interface Prompt {
  hasFailed: boolean
}

/** The prompts that are not answered yet: workers take them, and give back what is to be tried again. */
export interface Backlog {
  take(): Prompt | undefined
  /** To be tried again in so many seconds. */
  giveBack(prompt: Prompt, inSeconds: number): void
  /** Calls `look` whenever there is something to take again. */
  onMore(look: () => void): void
}

/** @param prompts how many there are in all; endless ones are never used up */
export function createBacklog(clock: VirtualClock, prompts: number): Backlog {
  const listeners: (() => void)[] = []
  const again: Prompt[] = []
  let fresh = prompts
  return {
    take() {
      const prompt = again.shift()
      if (prompt !== undefined) return prompt
      if (fresh <= 0) return undefined
      fresh--
      return { hasFailed: false }
    },
    giveBack(prompt, inSeconds) {
      clock.in(inSeconds, () => {
        again.push(prompt)
        for (const look of listeners) look()
      })
    },
    onMore(look) {
      listeners.push(look)
    },
  }
}
