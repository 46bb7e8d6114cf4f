import { type Account, createAccount } from './account.js'
import { createFaultPlan, type FaultPlan } from './faults.js'
import { createLimiter, type Limiter } from './limiter.js'
import type { ControlChange, LatencyMs, SimulatorSettings } from './options.js'
import { createRandom } from './random.js'
import { createStatistics, type SimulatorStats, type Statistics } from './stats.js'
import { createTimeline } from './timeline.js'

/** Everything that a request can meet. `settings`, `faults` and `limiters` change under control. */
export interface World {
  settings: SimulatorSettings
  faults: FaultPlan
  /** One a key: Conduit's limits are per API key. */
  readonly limiters: Map<string, Limiter>
  readonly account: Account
  readonly statistics: Statistics
  /** Unix milliseconds. */
  readonly now: () => number
  readonly random: () => number
}

/** A world at its beginning. */
export function createWorld(settings: SimulatorSettings, now: () => number): World {
  const { timelineMs } = settings
  return {
    settings,
    faults: createFaultPlan(settings.faults, settings.seed, now()),
    limiters: new Map(),
    account: createAccount(settings.balanceCents, now()),
    statistics: createStatistics(timelineMs === null ? null : createTimeline(timelineMs, now)),
    now,
    random: createRandom(settings.seed),
  }
}

/** Changes the world while it runs. New faults and a new limit start from zero. */
export function changeWorld(world: World, change: ControlChange): void {
  const { balanceCents, topUpCents, ...changed } = change
  const given = Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined))
  world.settings = { ...world.settings, ...given }
  if (change.limit !== undefined) world.limiters.clear()
  if (change.faults !== undefined) {
    world.faults = createFaultPlan(change.faults, world.settings.seed, world.now())
  }
  if (balanceCents !== undefined) world.account.setBalance(balanceCents)
  if (topUpCents !== undefined) world.account.topUp(topUpCents, world.now())
  const { costCents, costPerTokenCents } = world.settings
  const funded = world.account.balanceCents() >= costCents + costPerTokenCents
  if ((balanceCents !== undefined || topUpCents !== undefined) && funded) world.statistics.accountFilled()
}

/** The limiter of a key, or null when there is no limit. */
export function limiterOf(world: World, key: string): Limiter | null {
  if (world.settings.limit === null) return null
  let limiter = world.limiters.get(key)
  if (limiter === undefined) {
    limiter = createLimiter(world.settings.limit)
    world.limiters.set(key, limiter)
  }
  return limiter
}

/** A duration between min and max, by the world's seeded chance. */
export function drawLatencyMs(world: World, { min, max }: LatencyMs): number {
  return max === 0 ? 0 : min + world.random() * (max - min)
}

/** The statistics with the account's figures. */
export function statsOf(world: World): SimulatorStats {
  const { account, statistics } = world
  return statistics.snapshot({ chargedCents: account.chargedCents(), balanceCents: account.balanceCents() })
}
