import { formatCount, formatCounted } from '../text/format.js'
import { oneLine } from '../text/harmless.js'
import type { Chosen } from './chosen.js'
import { tellUnknown } from './unknown.js'

/** Says what a change would change, by group. `done`: `retried`, `discarded`. */
export function tellDryRun({ lots, count, unknown }: Chosen, done: string, json: boolean): void {
  const groups = lots.flatMap(({ queue, groups }) => groups.map((group) => ({ queue, ...group })))
  if (json) {
    process.stdout.write(`${JSON.stringify({ chosen: count, dryRun: true, unknown, groups })}\n`)
    return
  }
  const width = Math.max(0, ...groups.map((group) => formatCount(group.count).length))
  const lines = groups.map(
    ({ count: each, code, message }) =>
      `  ${formatCount(each).padStart(width)}  ${oneLine(code)}: ${oneLine(message)}`,
  )
  const letters = formatCounted(count, 'dead letter', 'dead letters')
  const would = count === 0 ? [`Nothing would be ${done}.`] : [`${letters} would be ${done}:`, ...lines]
  const then = count === 0 ? [] : ['Without --dry-run they are.']
  process.stdout.write(`${[...tellUnknown(unknown), ...would, ...then].join('\n')}\n`)
}
