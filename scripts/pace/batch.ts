import type { Place, Upstream } from './place.js'

/** Has a file answered by one process (`run`), or by several (`submit`, then as many `work`); resolves at their end. */
export function answerBatch(
  place: Place,
  upstream: Upstream,
  input: string,
  { workers = 1, flags = [] }: Partial<BatchOptions> = {},
): Promise<void> {
  const end = answer(place, upstream, input, { workers, flags })
  // A scenario that does something else meanwhile hears of a failure when it waits for the end.
  end.catch(() => undefined)
  return end
}

interface BatchOptions {
  readonly workers: number
  readonly flags: readonly string[]
}

async function answer(
  place: Place,
  upstream: Upstream,
  input: string,
  { workers, flags }: BatchOptions,
): Promise<void> {
  if (workers === 1) {
    await place.start(upstream, 'run', input, ...flags).ended
    return
  }
  await place.start(upstream, 'submit', input, ...flags).ended
  const work = () => place.start(upstream, 'work', '--until-idle').ended
  await Promise.all(Array.from({ length: workers }, work))
}
