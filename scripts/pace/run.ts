import type { Figure } from './figure.js'
import { createPlace } from './place.js'
import type { PaceOptions, Scenario } from './scenario.js'

/** How one run of a scenario ended. */
export type RunEnd =
  | { readonly kind: 'measured'; readonly figures: readonly Figure[]; readonly seconds: number }
  | { readonly kind: 'failed'; readonly message: string; readonly seconds: number }

/** Runs a scenario once in a place of its own, which is gone afterwards, whatever happened. */
export async function runOnce(scenario: Scenario, options: PaceOptions): Promise<RunEnd> {
  const startedAt = performance.now()
  const seconds = () => (performance.now() - startedAt) / 1000
  try {
    return { kind: 'measured', figures: await measured(scenario, options), seconds: seconds() }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { kind: 'failed', message, seconds: seconds() }
  }
}

async function measured(scenario: Scenario, options: PaceOptions): Promise<readonly Figure[]> {
  const place = await createPlace()
  const limitMs = scenario.timeLimitMs(options)
  let timer: NodeJS.Timeout | undefined
  const tooLong = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, limitMs, null)
  })
  try {
    const figures = await Promise.race([scenario.run(place, options), tooLong])
    if (figures !== null) return figures
    throw new Error(`it took longer than ${Math.round(limitMs / 1000)} s (${await place.seen()})`)
  } finally {
    clearTimeout(timer)
    await place.clear()
  }
}

/** Runs tasks, so many at once, in their order. */
export async function inParallel(tasks: readonly (() => Promise<void>)[], atOnce: number): Promise<void> {
  const waiting = [...tasks]
  const lane = async () => {
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) await task()
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
}
