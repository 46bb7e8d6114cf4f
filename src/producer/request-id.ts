import { createHash } from 'node:crypto'

const FORM = /^req_(\d{1,10})_([0-9a-f]{12})$/

/** Names a request within its queue, and what the name says. */
export interface RequestId {
  /** `req_<index>_<mark>` */
  readonly text: string
  readonly index: number
  /** Tells the request from another that has the same place, in a Redis that lost everything. */
  readonly mark: string
}

/** The id of a request, by its place in the inbox. */
export function requestIdOf(index: number, customId: string): RequestId {
  const mark = markOf(customId)
  return { text: `req_${index}_${mark}`, index, mark }
}

/** null for what is no such id. */
export function parseRequestId(text: string): RequestId | null {
  const [, index, mark] = FORM.exec(text) ?? []
  return index === undefined || mark === undefined ? null : { text, index: Number(index), mark }
}

/** Whether a request with this custom id is the one that an id names. */
export function isSameRequest({ mark }: RequestId, customId: string): boolean {
  return mark === markOf(customId)
}

function markOf(customId: string): string {
  return createHash('sha256').update(customId).digest('hex').slice(0, 12)
}
