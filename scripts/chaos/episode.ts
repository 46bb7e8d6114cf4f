import { setTimeout as sleep } from 'node:timers/promises'
import { carryOut, typeResume } from './blows.js'
import { type Deed, mostRepeats } from './deed.js'
import { batchOf, gather } from './evidence.js'
import { tooLarge } from './idleness.js'
import { violationsOf } from './invariants.js'
import { keepJournal } from './journal.js'
import { leftAfterPurge } from './leftovers.js'
import { planStrikes } from './plan.js'
import { type Strike, strikeWords } from './strike.js'
import { targetsOf } from './targets.js'
import { batchFlags, createWorld, type World, type WorldOptions } from './world.js'

export interface EpisodeOptions extends WorldOptions {
  /** How long it is struck, and how often on average. */
  readonly strikesMs: number
  readonly everyMs: number
  /** How long the batch may take after the last strike. */
  readonly patienceMs: number
  /** Leave logs and files of an episode with violations where they are. */
  readonly keep: boolean
}

/** What came of one batch and its strikes. */
export interface EpisodeEnd {
  readonly violations: readonly string[]
  readonly deeds: readonly Deed[]
  /** Calls that were paid twice, and how many may have been. */
  readonly repeats: number
  readonly mostRepeats: number
  readonly incidents: number
  /** Requests without an end when the last strike was over: with none, some strikes hit nothing. */
  readonly openAtLast: number
  readonly seconds: number
  /** Where logs and files are, when they were kept. */
  readonly kept: string | null
}

const LOOK_MS = 250
/** At the end answers come at once: what is waited for is the recovery. */
const SOON_MS = { min: 5, max: 30 }

/** One batch, struck by a schedule that depends on the seed alone, until it is over; then everything is looked at. */
export async function playEpisode(options: EpisodeOptions): Promise<EpisodeEnd> {
  const startedAt = performance.now()
  const world = await createWorld(options)
  const { seed, strikesMs, everyMs, say } = options
  const journal = keepJournal(world)
  let keep = true
  try {
    const plan = planStrikes({ seed, targets: targetsOf(world), lengthMs: strikesMs, everyMs })
    say(`seed ${seed}, ${options.topology}, AOF ${options.fsync}, ${options.requests} requests:`)
    for (const strike of plan) say(strikeWords(strike))
    await startAll(world)
    const { deeds, troubles } = await strikeAll(world, plan, journal.note)
    const openAtLast = options.requests - world.simulator.stats().promptsCompleted
    world.simulator.control({ latencyMs: SOON_MS })
    const violations = [...troubles, ...(await judge(world, deeds, options.patienceMs))]
    keep = options.keep && violations.length > 0
    return {
      violations,
      deeds,
      repeats: world.simulator.stats().repeatedCompletions,
      mostRepeats: repeatsIn(world, deeds),
      incidents: new Set(world.receiver.alerts.map(({ incident }) => incident)).size,
      openAtLast,
      seconds: (performance.now() - startedAt) / 1000,
      kept: keep ? world.directory : null,
    }
  } finally {
    journal.stop()
    await world.clear(keep && options.keep)
  }
}

export async function startAll(world: World): Promise<void> {
  const { concurrency, topology } = world.options
  for (const { slot } of world.posts) slot.start()
  if (topology !== 'apart' && topology !== 'drill') return
  const submitted = await world.command('submit', 'in.jsonl', ...batchFlags(concurrency))
  if (submitted.code !== 0) throw new Error(`submit failed: ${submitted.stderr}`)
}

/** Each strike at its time; one whose target is still down from the last one is left out. */
async function strikeAll(world: World, plan: readonly Strike[], note: (line: string) => void) {
  const startedAt = performance.now()
  const sinceStart = () => performance.now() - startedAt
  const down = new Set<string>()
  const deeds: Deed[] = []
  const troubles: string[] = []
  const running: Promise<void>[] = []
  for (const strike of plan) {
    await sleep(Math.max(0, strike.atMs - sinceStart()))
    const { name } = strike.target
    if (down.has(name)) continue
    down.add(name)
    const fromMs = sinceStart()
    note(`strike: ${strikeWords(strike)}`)
    const done = carryOut(world, strike).then((trouble) => {
      down.delete(name)
      deeds.push({ strike, fromMs, toMs: sinceStart() })
      if (trouble !== null) troubles.push(trouble)
    })
    running.push(done)
  }
  await Promise.all(running)
  return { deeds, troubles }
}

/** Waits until the batch is over, stops everything in order, and looks. */
export async function judge(
  world: World,
  deeds: readonly Deed[],
  patienceMs: number,
  repeats = repeatsIn(world, deeds),
): Promise<string[]> {
  const state = await untilOver(world, patienceMs)
  if (state !== 'completed') return [`the batch is ${state} ${patienceMs / 1000} s after the last strike`]
  await untilTold(world)
  const large = tooLarge(world)
  const stopped = await stopAll(world)
  const batch = await batchOf(world)
  if (batch === null) return ['Redis knows no batch']
  const alerting = world.posts.filter(({ alerts }) => alerts).map(({ name }) => name)
  const alertRepeats = deeds.filter(({ strike }) => alerting.includes(strike.target.name)).length
  const evidence = await gather(world, batch)
  const found = violationsOf(evidence, { repeats, alertRepeats })
  return [...large, ...stopped, ...found, ...(await leftAfterPurge(world, batch))]
}

function repeatsIn({ posts, options }: World, deeds: readonly Deed[]): number {
  const struck = posts.map(({ name, calls, slot }) => ({ name, calls, far: slot.far }))
  return mostRepeats(deeds, struck, options.concurrency)
}

async function untilOver(world: World, patienceMs: number): Promise<string> {
  const { admin, keys } = world
  const until = performance.now() + patienceMs
  let state = 'unknown'
  let resumedAt = performance.now()
  while (performance.now() < until) {
    const batch = await batchOf(world)
    state = (batch === null ? null : await admin.hget(keys.batch(batch), 'state')) ?? 'unknown'
    if (state !== 'running' && state !== 'unknown') return state
    // A refusal that was under way when somebody typed `resume` closes the gate again: a person would see it.
    if (performance.now() - resumedAt > 3000 && (await admin.hexists(keys.gate, 'hold:credits'))) {
      await typeResume(world)
      resumedAt = performance.now()
    }
    await sleep(LOOK_MS)
  }
  return state
}

/** Alerts are delivered by whoever has that role; a `run` that ended has delivered its own. */
async function untilTold({ admin, keys }: World): Promise<void> {
  const until = performance.now() + 15_000
  while (performance.now() < until) {
    const states = ['wait', 'active', 'delayed'].map((state) => `${keys.tag}:alerts:${state}`)
    const left = (await admin.hlen(keys.outbox)) + (await admin.exists(...states))
    if (left === 0) return
    await sleep(LOOK_MS)
  }
}

const WORST_END_MS = 20_000

/** In order, all at once, as a person would do it; a `run` ends by itself. */
async function stopAll({ posts }: World): Promise<string[]> {
  const found: string[] = []
  const stop = async ({ slot, name, ends }: World['posts'][number]) => {
    const startedAt = performance.now()
    while (ends && slot.running && performance.now() - startedAt < WORST_END_MS) await sleep(LOOK_MS)
    if (ends && slot.running) found.push(`${name} has not ended with its batch`)
    const wasUp = slot.running
    const how = await Promise.race([slot.end('SIGTERM'), sleep(WORST_END_MS, null, { ref: false })])
    if (how === null) found.push(`${name} did not end within ${WORST_END_MS / 1000} s of SIGTERM`)
    else if (wasUp && how !== '0' && how !== 'SIGTERM' && !ends)
      found.push(`${name} ended with ${how} after SIGTERM`)
  }
  await Promise.all(posts.map(stop))
  return found
}
