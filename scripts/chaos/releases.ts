/** A worker is found dead, and its jobs given back, well within this after it has ended. */
const FOUND_WITHIN_MS = 30_000

/**
 * How often jobs were taken from a worker that had not ended.
 * @param logs of all processes, JSON a line
 * @param endedAt when processes that make calls were ended, Unix milliseconds
 */
export function falseAlarms(logs: readonly string[], endedAt: readonly number[]): number {
  const releases = logs.flatMap((log) => log.split('\n').flatMap(releaseAt))
  return releases.filter((at) => !endedAt.some((ended) => at >= ended && at - ended < FOUND_WITHIN_MS)).length
}

function releaseAt(line: string): number[] {
  if (!line.includes('"completion.released_from_dead_workers"')) return []
  return [Date.parse((JSON.parse(line) as { time: string }).time)]
}
