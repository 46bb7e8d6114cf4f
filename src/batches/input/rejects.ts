import { openChunkIndex } from './chunk-index.js'
import type { LineProblem } from './line-problem.js'

/** A line that can't be sent. */
export interface RejectedLine {
  /** Its request's index in the batch. */
  readonly index: number
  /** Null when none could be read. */
  readonly customId: string | null
  readonly problem: LineProblem
}

/**
 * Every rejected line of a staged input, in order.
 * @throws StagingDamaged
 */
export async function* readRejects(directory: string): AsyncGenerator<RejectedLine, void, undefined> {
  const index = await openChunkIndex(directory)
  try {
    for (let placed = await index.rowAt(0); placed !== null; placed = await index.rowAt(placed.next)) {
      const { first, rejects } = placed.row
      for (const [position, customId, problem] of rejects)
        yield { index: first + position, customId, problem }
    }
  } finally {
    await index.close()
  }
}
