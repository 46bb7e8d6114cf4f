import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { beforeAll, describe, expect, it } from 'vitest'
import { startPace, stepPace } from '../../src/admission/pace/pace.js'
import type { PaceAsk, PaceLease, PaceState } from '../../src/admission/pace/state.js'
import { loadScript, runScript } from '../../src/redis/scripts.js'
import { askOf, type PaceCall, paceCalls } from '../support/pace-calls.js'
import { connectForTest, uniquePrefix } from '../support/redis.js'

const twin = loadScript(
  new URL('../support/pace-twin.lua', import.meta.url),
  new URL('../../src/admission/pace/pace.lua', import.meta.url),
)

const START = 1_700_000_000.123456
/** `exp` and `pow` of C and of V8 may differ in the last bits. */
const TOLERANCE = 1e-9

let redis: Redis
beforeAll(async () => {
  redis = await connectForTest()
})

type Stepped = PaceLease & PaceState

/** The step in Lua: on `state`, or on what the step before has stored. */
async function stepInLua(key: string, state: PaceState | null, ask: PaceAsk): Promise<Stepped> {
  const { report, ...rest } = ask
  const json = JSON.stringify({ ...rest, ...(report && { report }), ...(state && { state }) })
  const reply = (await runScript(redis, twin, [key], [json])) as string[]
  const [permits, firstIn, rate, wait, ...stored] = reply
  const fields = stored.flatMap((name, i) => (i % 2 === 0 ? [[name, Number(stored[i + 1])]] : []))
  return {
    permits: Number(permits),
    firstIn: Number(firstIn),
    rate: Number(rate),
    wait: Number(wait),
    ...Object.fromEntries(fields),
  }
}

/** Fields that are not the same in both; times are compared by their distance from `START`. */
function differences(one: Stepped, other: Stepped): string[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof Stepped>
  return [...names].flatMap((name) => {
    const [a, b] = [one[name] as number | undefined, other[name] as number | undefined]
    const isClose =
      a !== undefined &&
      b !== undefined &&
      Math.abs(a - b) <= TOLERANCE * Math.max(1e-3, Math.abs(a), Math.abs(b))
    return a === b || isClose ? [] : [`${name}: ${a} in TypeScript, ${b} in Lua`]
  })
}

/** Every step on one state: the one that TypeScript has come to. */
async function expectSameSteps(history: readonly PaceCall[]): Promise<void> {
  const key = `{${uniquePrefix()}}pace`
  const state = startPace(START)
  let now = START
  for (const call of history) {
    now += call.afterS
    const before = { ...state }
    const ask = askOf(state, call, now)
    const lease = stepPace(state, ask)
    expect(differences({ ...lease, ...state }, await stepInLua(key, before, ask))).toEqual([])
  }
}

describe('the pace in Lua', () => {
  it('takes every step that the one in TypeScript takes, to the last digits', async () => {
    const history = fc.array(paceCalls([0, 0, 0, 10, 500]), { minLength: 60, maxLength: 60 })
    await fc.assert(fc.asyncProperty(history, expectSameSteps), { numRuns: 40, seed: 4 })
  })

  it('starts where the one in TypeScript starts, and goes on from what it has stored', async () => {
    const key = `{${uniquePrefix()}}pace`
    const state = startPace(START)
    for (let turn = 0; turn < 40; turn++) {
      const report = turn % 10 === 9 ? { ...REFUSED, epoch: state.epoch } : null
      const ask = { want: 20, report, now: START + turn * 0.1, ceiling: 1000, horizon: 0.05 }
      const lease = stepPace(state, ask)
      expect(differences({ ...lease, ...state }, await stepInLua(key, null, ask))).toEqual([])
    }
    expect(state).toMatchObject({ searching: 0, epoch: 3 })
  })
})

const REFUSED = {
  answered: 0,
  refused: 1,
  otherwise: 0,
  failed: 0,
  fresh: 0,
  unsent: 0,
  retryAfter: -1,
  slowestRefusal: 0.05,
  hint: 0,
}
