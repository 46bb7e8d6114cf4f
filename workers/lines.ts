/** Lines of steps: in each one is under way at a time, in the order in which they came. */
export interface Lines {
  /** Takes the step in the line of `name`; null when that line is as long as it may be. */
  enter<T>(name: string, step: () => Promise<T>): Promise<T> | null
}

/** @param longest steps in one line, the one under way included */
export function createLines(longest: number): Lines {
  const lines = new Map<string, { length: number; last: Promise<unknown> }>()
  return {
    enter(name, step) {
      const line = lines.get(name) ?? { length: 0, last: Promise.resolve() }
      if (line.length >= longest) return null
      lines.set(name, line)
      line.length++
      const own = line.last.then(step).finally(() => {
        line.length--
      })
      // Who comes next does not care how this one ended.
      line.last = own.catch(() => undefined)
      return own
    },
  }
}
