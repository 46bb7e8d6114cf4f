import { loadScript, runScript } from '../../redis/scripts.js'
import { type DeadLetterDeps, modelName, portionsOf } from './filing.js'
import { readGroup } from './group.js'

const pageScript = loadScript(new URL('./page.lua', import.meta.url))

/** Which dead letters are meant: those that fit all that is given. */
export interface DeadLetterFilter {
  readonly ids?: readonly string[] | undefined
  readonly batch?: string | undefined
  readonly code?: string | undefined
  readonly model?: string | undefined
  /** Died before this (Unix ms). */
  readonly olderThanMs?: number | undefined
}

/** Dead letters that died of the same. */
export interface DeadLetterGroup {
  readonly code: string
  /** What their messages have in common. */
  readonly message: string
  /** The fields that Conduit complained about. */
  readonly fields: readonly string[]
  readonly count: number
  /** Unix milliseconds. */
  readonly oldestAt: number
  readonly newestAt: number
  /** Id of the oldest. */
  readonly example: string
}

/** Letters that one script looks at: some five milliseconds of Redis. */
const LOOKED_AT = 4000
/** Ids in a page for the caller. */
const PAGE = 500

/** The sets to look into: letters of the first are walked, the others only asked. */
interface Sets {
  readonly walked: string
  readonly asked: readonly string[]
  /** Unix ms; letters that die from now on are not meant. */
  readonly before: number
}

/** Pages of ids, oldest first (with `ids`: each page for itself). Letters may leave while it goes on. */
export async function* find(
  filter: DeadLetterFilter,
  deps: DeadLetterDeps,
  lookedAt = LOOKED_AT,
): AsyncGenerator<readonly string[]> {
  for await (const ids of walk('ids', filter, deps, lookedAt)) yield* portionsOf(ids, PAGE)
}

/** How many letters fit. */
export async function count(filter: DeadLetterFilter, deps: DeadLetterDeps): Promise<number> {
  if (filter.ids === undefined && setsOf(filter, deps).length === 1) {
    const [only = ''] = setsOf(filter, deps)
    const { olderThanMs } = filter
    return deps.redis.zcount(only, '-inf', olderThanMs === undefined ? '+inf' : `(${olderThanMs}`)
  }
  let sum = 0
  for await (const [counted] of walk('count', filter, deps)) sum += Number(counted)
  return sum
}

/** The letters that fit, by what they died of; the largest group first. */
export async function groups(filter: DeadLetterFilter, deps: DeadLetterDeps): Promise<DeadLetterGroup[]> {
  const found = new Map<string, Counted>()
  for await (const flat of walk('groups', filter, deps)) {
    for (let i = 0; i < flat.length; i += FIELDS_OF_A_GROUP) {
      const [id = '', ...counted] = flat.slice(i, i + FIELDS_OF_A_GROUP)
      found.set(id, merged(found.get(id), readCounted(counted)))
    }
  }
  if (found.size === 0) return []
  const texts = await deps.redis.hmget(deps.keys.deadLetters.groups, ...found.keys())
  return [...found.values()]
    .flatMap((counted, i) => {
      const text = texts[i]
      // The last letter of a group may have left meanwhile.
      return text === null || text === undefined ? [] : [{ ...readGroup(text), ...counted }]
    })
    .sort((a, b) => b.count - a.count || a.oldestAt - b.oldestAt)
}

type Counted = Pick<DeadLetterGroup, 'count' | 'oldestAt' | 'newestAt' | 'example'>

/** Group id, letters, oldest, newest, example. */
const FIELDS_OF_A_GROUP = 5

function readCounted([letters, oldest, newest, example = '']: readonly string[]): Counted {
  return { count: Number(letters), oldestAt: Number(oldest), newestAt: Number(newest), example }
}

function merged(one: Counted | undefined, other: Counted): Counted {
  if (one === undefined) return other
  return {
    count: one.count + other.count,
    oldestAt: Math.min(one.oldestAt, other.oldestAt),
    newestAt: Math.max(one.newestAt, other.newestAt),
    example: one.oldestAt <= other.oldestAt ? one.example : other.example,
  }
}

/** The replies of page.lua, page after page, without the cursor. */
async function* walk(
  what: 'ids' | 'count' | 'groups',
  filter: DeadLetterFilter,
  deps: DeadLetterDeps,
  lookedAt = LOOKED_AT,
): AsyncGenerator<string[]> {
  const { ids } = filter
  const { walked, asked, before } = await chooseSets(filter, deps)
  const names = [walked, deps.keys.deadLetters.groupOf, ...asked]
  const page = async (...args: (string | number)[]): Promise<string[]> =>
    ((await runScript(deps.redis, pageScript, names, [what, before, ...args])) as unknown[]).map(String)
  if (ids !== undefined) {
    const given = [...new Set(ids)]
    for (const portion of portionsOf(given, lookedAt)) yield (await page('', '', 0, ...portion)).slice(2)
    return
  }
  let cursor: readonly string[] = ['', '']
  do {
    const reply = await page(...cursor, lookedAt)
    cursor = reply.slice(0, 2)
    yield reply.slice(2)
  } while (cursor[1] !== '')
}

/** The smallest set is walked. */
async function chooseSets(filter: DeadLetterFilter, deps: DeadLetterDeps): Promise<Sets> {
  const { redis, keys } = deps
  const [newest, ...sizes] = await Promise.all([
    redis.zrevrange(keys.deadLetters.all, 0, 0, 'WITHSCORES'),
    ...setsOf(filter, deps).map(async (set) => ({ set, size: await redis.zcard(set) })),
  ])
  const [walked, ...asked] = sizes.sort((a, b) => a.size - b.size).map(({ set }) => set)
  const ends = Math.floor(Number(newest[1] ?? 0)) + 1
  const before = Math.min(filter.olderThanMs ?? ends, ends)
  return { walked: walked ?? keys.deadLetters.all, asked, before }
}

/** At least one. */
function setsOf({ batch, code, model }: DeadLetterFilter, { keys }: DeadLetterDeps): string[] {
  const { all, byBatch, byCode, byModel } = keys.deadLetters
  const sets: string[] = []
  if (batch !== undefined) sets.push(byBatch(batch))
  if (code !== undefined) sets.push(byCode(code))
  if (model !== undefined) sets.push(byModel(modelName(model)))
  return sets.length > 0 ? sets : [all]
}
