import { type Edit, editSchema } from '../edit.js'
import type { DeadLetter, EarlierEnd, StoredDeadLetter } from './dead-letter.js'
import { type DeadLetterDeps, placeOfId, portionsOf } from './filing.js'

/** Reads dead letters, those that are there, in the order of their ids. */
export async function getLetters(ids: readonly string[], deps: DeadLetterDeps): Promise<StoredDeadLetter[]> {
  const found: StoredDeadLetter[] = []
  for (const portion of portionsOf(ids)) found.push(...(await getPortion(portion, deps)))
  return found
}

async function getPortion(
  ids: readonly string[],
  { redis, keys, queue }: DeadLetterDeps,
): Promise<StoredDeadLetter[]> {
  const named = ids.flatMap((id) => {
    const place = placeOfId(id)
    return place === null ? [] : [{ id, ...place }]
  })
  const raw = await Promise.all(
    named.map(({ id, batch, index }) =>
      Promise.all([
        redis.zscore(keys.deadLetters.all, id),
        redis.hget(queue.toKey(id), 'data'),
        redis.hget(keys.edits(batch), String(index)),
        redis.hget(keys.history(batch), String(index)),
      ]),
    ),
  )
  return raw.flatMap(([filed, data, edit, history], i) => {
    const id = named[i]?.id
    if (id === undefined || filed === null || data === null) return []
    return [{ ...(JSON.parse(data) as DeadLetter), id, edit: readEdit(edit), earlier: readHistory(history) }]
  })
}

function readEdit(text: string | null): Edit | null {
  return text === null ? null : editSchema.parse(JSON.parse(text))
}

/** One end a line, as retry.lua appends them. */
function readHistory(text: string | null): EarlierEnd[] {
  return (text ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as EarlierEnd)
}
