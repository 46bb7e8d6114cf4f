import type { DataDirectory } from '../../batches/data-directory.js'
import { createRequestReader } from '../../batches/read-request.js'
import type { Lot } from './lots.js'

/** Which of some dead letters can be sent again, as far as can be seen from here. */
export interface Sendable {
  readonly ids: readonly string[]
  /** Those whose input was edited or is gone. */
  readonly lost: readonly string[]
}

/**
 * Looks at the inputs of letters whose data directory is here: a retry of one whose input is lost would only die again.
 * Of letters from elsewhere nothing is known.
 */
export async function sendableOf(
  { session, letters }: Pick<Lot, 'session' | 'letters'>,
  ids: readonly string[],
  directory: DataDirectory | null,
): Promise<Sendable> {
  if (directory === null) return { ids, lost: [] }
  const reader = createRequestReader(session, directory)
  try {
    const found = await letters.getMany(ids)
    const requests = await reader.read(found)
    const lost = found.flatMap(({ id }, at) => {
      const request = requests[at]
      return request?.kind === 'missing' && request.inputLost === true ? [id] : []
    })
    const isLost = new Set(lost)
    return { ids: ids.filter((id) => !isLost.has(id)), lost }
  } finally {
    await reader.close()
  }
}
