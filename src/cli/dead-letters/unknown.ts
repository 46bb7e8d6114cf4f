import { formatCount } from '../text/format.js'

const MOST_NAMED = 10

/** What is said of ids that are nowhere. */
export function tellUnknown(ids: readonly string[]): string[] {
  const named = ids.slice(0, MOST_NAMED).map((id) => `There is no dead letter ${id} (any more).`)
  return ids.length > MOST_NAMED ? [...named, `… and ${formatCount(ids.length - MOST_NAMED)} more.`] : named
}
