import type { RequestSize } from '../completions/asked.js'

/** What requests of one model ask for, summed. */
export interface ModelSizes {
  readonly requests: number
  /** Of their messages. */
  readonly chars: number
  /** How many requests allow so many tokens of answer; under null those that set no bound. */
  readonly byMostTokens: ReadonlyMap<number | null, number>
}

export type SizesByModel = ReadonlyMap<string, ModelSizes>

/** Counts requests as they are read; memory goes with the number of models and of different bounds. */
export interface SizeCount {
  add(size: RequestSize): void
  /** One that was added is not to be sent after all. */
  remove(size: RequestSize): void
  sizes(): SizesByModel
}

interface Counting {
  requests: number
  chars: number
  readonly byMostTokens: Map<number | null, number>
}

export function createSizeCount(): SizeCount {
  const byModel = new Map<string, Counting>()

  function count({ model, chars, mostTokens }: RequestSize, by: 1 | -1): void {
    const sizes = byModel.get(model) ?? { requests: 0, chars: 0, byMostTokens: new Map() }
    byModel.set(model, sizes)
    sizes.requests += by
    sizes.chars += by * chars
    sizes.byMostTokens.set(mostTokens, (sizes.byMostTokens.get(mostTokens) ?? 0) + by)
  }

  return {
    add: (size) => count(size, 1),
    remove: (size) => count(size, -1),
    sizes: () => new Map([...byModel].filter(([, { requests }]) => requests > 0)),
  }
}
