import { footprintOf } from './footprint.js'
import type { World } from './world.js'

/** A process that starts needs a core for itself, however little there is to do. */
const STARTING_SECONDS = 5
/** Of one core; waiting for Redis costs next to nothing. */
const MOST_WHILE_WAITING = 0.6
const LEAST_SPAN_MS = 1000
const MOST_RESIDENT_MEBIBYTES = 300

/** Watches the processes while Redis is away; what it gives tells, in the end, which of them did not just wait. */
export function watchIdleness({ posts }: Pick<World, 'posts'>): () => string[] {
  const startedAt = performance.now()
  const before = posts.map(({ slot }) => ({ pid: slot.pid, footprint: footprintOf(slot.pid) }))
  return () => {
    const spanMs = performance.now() - startedAt
    return posts.flatMap(({ name, slot }, index) => {
      const [then, now] = [before[index], footprintOf(slot.pid)]
      if (then?.footprint == null || now === null || then.pid !== slot.pid) return []
      if (then.footprint.ageSeconds < STARTING_SECONDS || spanMs < LEAST_SPAN_MS) return []
      const share = (now.cpuSeconds - then.footprint.cpuSeconds) / (spanMs / 1000)
      if (share <= MOST_WHILE_WAITING) return []
      return [
        `${name} used ${Math.round(share * 100)} % of a core for ${Math.round(spanMs)} ms without Redis`,
      ]
    })
  }
}

/** Which processes have grown beyond what a batch of any size may cost. */
export function tooLarge({ posts }: Pick<World, 'posts'>): string[] {
  return posts.flatMap(({ name, slot }) => {
    const resident = footprintOf(slot.pid)?.residentMebibytes ?? 0
    return resident > MOST_RESIDENT_MEBIBYTES ? [`${name} holds ${Math.round(resident)} MiB`] : []
  })
}
