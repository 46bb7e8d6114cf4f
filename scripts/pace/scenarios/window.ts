import type { SimulatorOptions } from '../../../src/simulator/options.js'
import { answerBatch } from '../batch.js'
import { percent, soundness } from '../common-figures.js'
import { type Figure, figure, type Target } from '../figure.js'
import type { Place } from '../place.js'
import type { PaceOptions, Scenario } from '../scenario.js'
import { type WindowLimit, windowUse } from '../window-use.js'
import { USUAL } from './bucket.js'

const MINUTE_MS = 60_000
/** The first window, at least five more that are looked at, and an end that is not. */
const WINDOWS = 7.5
/** In windows: twice what the batch takes at the full limit. */
const PATIENCE = 2 * WINDOWS

/** Use of the limit and refusals of a batch that takes several windows, with targets or for information. */
export async function throughWindows(
  place: Place,
  limit: WindowLimit & { readonly countRefused?: boolean },
  { upstream = {}, targets }: { readonly upstream?: Partial<SimulatorOptions>; readonly targets: boolean },
): Promise<Figure[]> {
  const { kind, requestsPerWindow, windowMs, countRefused = false } = limit
  const options = { limit: { kind, requestsPerWindow, windowMs, countRefused }, ...upstream }
  const simulator = await place.simulate({ ...USUAL, ...options })
  const prompts = requestsPerWindow * WINDOWS
  const input = await place.input('prompts', prompts)
  await answerBatch(place, simulator, input)
  const stats = await simulator.stats()
  const use = windowUse(stats.timeline, limit, prompts)
  const target = (promised: Target) => (targets ? promised : undefined)
  return [
    percent('limit used after the first window', use.used, target({ atLeast: 95 })),
    percent('refused after the first window', use.refusedAfterFirst, target({ atMost: 2 })),
    percent('refused over all', use.refusedInAll, target({ atMost: 5 })),
    figure('whole windows looked at', use.windows, ''),
    ...soundness(await place.answersTo(input), stats),
  ]
}

/** The length of a "minute" on the clock of the bench. */
export function windowMs({ clock }: PaceOptions): number {
  return MINUTE_MS / clock
}

/** How long a batch that takes several windows may take. */
export function windowPatienceMs(options: PaceOptions): number {
  return windowMs(options) * PATIENCE + MINUTE_MS
}

function windowScenario(kind: WindowLimit['kind'], requestsPerWindow: number): Scenario {
  return {
    name: `window-${kind}-${requestsPerWindow}`,
    about: `${requestsPerWindow} requests a minute, ${kind} window, ${requestsPerWindow * WINDOWS} prompts`,
    groups: ['windows'],
    alone: false,
    timeLimitMs: windowPatienceMs,
    run: (place, options) =>
      throughWindows(place, { kind, requestsPerWindow, windowMs: windowMs(options) }, { targets: true }),
  }
}

/** Windows of a minute, sliding and fixed, from slow to fast. */
export const WINDOWED: readonly Scenario[] = (['sliding', 'fixed'] as const).flatMap((kind) =>
  [60, 300, 1200, 6000].map((requests) => windowScenario(kind, requests)),
)
