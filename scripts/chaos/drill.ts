import { setTimeout as sleep } from 'node:timers/promises'
import { carryOut, typeResume } from './blows.js'
import { type Deed, mostRepeats } from './deed.js'
import { judge, startAll } from './episode.js'
import { keepJournal } from './journal.js'
import { startLoad } from './load.js'
import { followJobs, type Recovery, workerName } from './recovery.js'
import { falseAlarms } from './releases.js'
import { drillRounds, type Round } from './rounds.js'
import { strikeWords } from './strike.js'
import { targetsOf } from './targets.js'
import { createWorld, type World } from './world.js'

export interface DrillOptions {
  readonly seed: number
  readonly rounds: number
  readonly requests: number
  readonly keep: boolean
  readonly say: (line: string) => void
  /** Ends the drill after the round that is being played. */
  readonly signal?: AbortSignal
}

export interface DrillEnd {
  readonly rounds: number
  readonly violations: readonly string[]
  /** Jobs that killed processes held, each from the kill until it ran again. */
  readonly recoveriesMs: readonly number[]
  /** Those that never did, as far as was waited. */
  readonly notRecovered: number
  /** From the end of a strike until calls arrived again, one a round. */
  readonly callsAgainMs: readonly number[]
  readonly repeats: number
  readonly mostRepeats: number
  /** Live workers that were taken for dead. */
  readonly falseAlarms: number
  readonly seconds: number
  readonly kept: string | null
}

const CONCURRENCY = 16
const LATENCY_MS = { min: 400, max: 1600 }
const SOON_MS = { min: 5, max: 30 }
const MOST_RECOVERY_MS = 60_000
const MOST_SILENCE_MS = 60_000

/** Rounds of strikes on one batch while every core is busy, each with its recovery measured; then everything is looked at. */
export async function runDrill({
  seed,
  rounds,
  requests,
  keep,
  say,
  signal,
}: DrillOptions): Promise<DrillEnd> {
  const startedAt = performance.now()
  const settings = { concurrency: CONCURRENCY, latencyMs: LATENCY_MS, diskMebibytes: 96 }
  const world = await createWorld({ seed, topology: 'drill', fsync: 'everysec', requests, say, ...settings })
  const journal = keepJournal(world)
  const load = startLoad()
  let keeping = keep
  try {
    await startAll(world)
    await untilCalls(world)
    const played = await play(world, drillRounds(seed, targetsOf(world), rounds), say, signal)
    load.stop()
    world.simulator.control({ latencyMs: SOON_MS })
    const most = mostRepeatsIn(world, played)
    const violations = [...played.troubles, ...(await judge(world, played.deeds, 180_000, most))]
    keeping = keep && violations.length > 0
    const killedAt = played.deeds.filter(({ strike }) => endsCaller(world, strike)).map(({ at }) => at)
    return {
      rounds: played.deeds.length,
      violations,
      recoveriesMs: played.recoveries.flatMap(({ afterMs }) => afterMs),
      notRecovered: played.recoveries.reduce((sum, { held, afterMs }) => sum + held - afterMs.length, 0),
      callsAgainMs: played.callsAgainMs,
      repeats: world.simulator.stats().repeatedCompletions,
      mostRepeats: most,
      falseAlarms: falseAlarms(
        world.posts.map(({ slot }) => slot.log()),
        killedAt,
      ),
      seconds: (performance.now() - startedAt) / 1000,
      kept: keeping ? world.directory : null,
    }
  } finally {
    load.stop()
    journal.stop()
    await world.clear(keeping)
  }
}

interface Played {
  readonly deeds: readonly (Deed & { readonly at: number })[]
  readonly recoveries: readonly Recovery[]
  readonly callsAgainMs: readonly number[]
  readonly troubles: readonly string[]
}

async function play(
  world: World,
  rounds: readonly Round[],
  say: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<Played> {
  const startedAt = performance.now()
  const deeds: (Deed & { at: number })[] = []
  const recoveries: Recovery[] = []
  const callsAgainMs: number[] = []
  const troubles: string[] = []
  for (const [index, round] of rounds.entries()) {
    if (signal?.aborted) break
    const fromMs = performance.now() - startedAt
    const at = Date.now()
    const strike = { ...round, atMs: fromMs }
    const victim = world.posts.find(({ name }) => name === round.target.name)
    const worker = victim?.calls && round.blow === 'kill' ? workerName(victim.slot) : null
    const carried = carryOut(world, strike)
    const recovery = worker === null ? null : await followJobs(world, worker, MOST_RECOVERY_MS)
    const trouble = await carried
    deeds.push({ strike, at, fromMs, toMs: performance.now() - startedAt })
    if (trouble !== null) troubles.push(trouble)
    if (recovery !== null) recoveries.push(recovery)
    const again = await untilCalls(world)
    callsAgainMs.push(again)
    if (again >= MOST_SILENCE_MS)
      troubles.push(`no call within ${MOST_SILENCE_MS / 1000} s of: ${strikeWords(strike)}`)
    const back =
      recovery === null
        ? ''
        : `, ${recovery.held} jobs back after ${seconds(Math.max(0, ...recovery.afterMs))}`
    say(`round ${index + 1}: ${strikeWords(strike)}${back}, calls again after ${seconds(again)}`)
    await sleep(round.calmMs)
  }
  return { deeds, recoveries, callsAgainMs, troubles }
}

/** Until a call arrives that comes after now; gives how long that took. */
async function untilCalls(world: World): Promise<number> {
  const { admin, keys, simulator } = world
  const before = simulator.stats().calls
  const from = performance.now()
  let resumedAt = from
  while (simulator.stats().calls === before && performance.now() - from < MOST_SILENCE_MS) {
    await sleep(20)
    if (performance.now() - resumedAt < 5000) continue
    // A refusal that was under way when somebody typed `resume` closes the gate again: a person would see it.
    if (await admin.hexists(keys.gate, 'hold:credits')) await typeResume(world)
    resumedAt = performance.now()
  }
  return performance.now() - from
}

/** Of kills it is known how many jobs were held, so no more than that. */
function mostRepeatsIn({ posts }: World, { deeds, recoveries }: Played): number {
  const held = recoveries.reduce((sum, recovery) => sum + recovery.held, 0)
  const others = deeds.filter(({ strike }) => strike.blow !== 'kill')
  const struck = posts.map(({ name, calls, slot }) => ({ name, calls, far: slot.far }))
  return held + mostRepeats(others, struck, CONCURRENCY)
}

function endsCaller({ posts }: World, { target, blow }: Deed['strike']): boolean {
  const names = posts.filter(({ calls }) => calls).map(({ name }) => name)
  return (blow === 'kill' || blow === 'terminate') && names.includes(target.name)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
