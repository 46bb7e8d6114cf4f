import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createGate } from '../../src/admission/gate.js'
import type { SimulatorStats } from '../../src/simulator/stats.js'
import type { Arrived } from './receiver.js'
import type { World } from './world.js'

/** What is to be seen when a batch is over. Pure functions judge it. */
export interface Evidence {
  readonly good: ReadonlySet<string>
  readonly bad: ReadonlySet<string>
  /** Text of the two files; null: there is none. */
  readonly results: string | null
  readonly errors: string | null
  /** Names in the directory of the output. */
  readonly names: readonly string[]
  /** The hash of the batch in Redis. */
  readonly batch: Readonly<Record<string, string>>
  /** What `status BATCH --json` says. */
  readonly status: Readonly<Record<string, unknown>>
  readonly stats: SimulatorStats
  readonly holds: readonly string[]
  readonly openIncident: string | null
  readonly incidents: readonly string[]
  readonly outbox: number
  readonly alerts: readonly Arrived[]
  /** Jobs that wait, run or are delayed, and locks. */
  readonly jobs: readonly string[]
}

/** The id of the one batch of a world; null until there is one. */
export async function batchOf({ admin, keys }: World): Promise<string | null> {
  for (const key of await admin.keys(`${keys.tag}:batch:*`)) {
    const id = /:batch:(b[0-9a-f]+)$/.exec(key)?.[1]
    if (id !== undefined && /[1-9a-f]/.test(id.slice(1)) && id !== 'b000000000000') return id
  }
  return null
}

/** Looks at everything. */
export async function gather(world: World, batch: string): Promise<Evidence> {
  const { admin, keys, input, outputs, simulator, receiver } = world
  const gate = createGate(admin, keys, 'default')
  const state = await gate.read()
  const status = await world.command('status', batch, '--json')
  const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : null)
  return {
    good: input.good,
    bad: input.bad,
    results: read(outputs.results),
    errors: read(outputs.errors),
    names: readdirSync(outputs.place),
    batch: await admin.hgetall(keys.batch(batch)),
    status: status.code === 1 ? { failed: status.stderr } : (JSON.parse(status.stdout) as Evidence['status']),
    stats: simulator.stats(),
    holds: state.holds.map(({ reason }) => reason),
    openIncident: state.incident?.id ?? null,
    incidents: (await gate.pastIncidents(1000)).map(({ id }) => id),
    outbox: await admin.hlen(keys.outbox),
    alerts: receiver.alerts,
    jobs: await jobsOf(world),
  }
}

/** What BullMQ still has of the requests: none of it may be there when all is over. */
async function jobsOf({ admin, keys }: World): Promise<string[]> {
  const found = await admin.keys(`${keys.tag}:completions:*`)
  return found.filter((key) =>
    /:(wait|paused|active|delayed|prioritized|b[0-9a-f]{12}-[^:]*(:lock)?)$/.test(key),
  )
}
