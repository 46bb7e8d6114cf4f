import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import type { ControlPatch, SimulatorOptions } from '../../src/simulator/options.js'
import type { SimulatorStats } from '../../src/simulator/stats.js'
import type { TimelineSeries } from '../../src/simulator/timeline.js'
import { startChild } from './children.js'

const SCRIPT = fileURLToPath(new URL('simulator-process.js', import.meta.url))
const LOOK_MS = 20

interface Addresses {
  readonly baseUrl: string
  readonly billingUrl: string
  readonly controlUrl: string
}

/** Statistics that have a timeline. */
export type TimedStats = SimulatorStats & { readonly timeline: TimelineSeries }

/** A simulated Conduit in a process of its own: its counts are the truth that everything is measured by. */
export interface SimulatorProcess extends Addresses {
  readonly process: ChildProcess
  stats(): Promise<TimedStats>
  /** Changes it; resolves with the time of the change (Unix milliseconds). */
  control(patch: ControlPatch): Promise<number>
  /** Resolves with the time of the first call (Unix milliseconds). */
  firstCall(): Promise<number>
}

/** Starts one on a free port, with a timeline (spans of 100 ms unless the options say otherwise). */
export async function startSimulatorProcess(options: Partial<SimulatorOptions>): Promise<SimulatorProcess> {
  const settings = JSON.stringify({ timelineMs: 100, ...options })
  const child = startChild(process.execPath, [SCRIPT, settings], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout as Readable })
  const { value } = await lines[Symbol.asyncIterator]().next()
  if (typeof value !== 'string') throw new Error('the simulator did not start')
  const addresses = JSON.parse(value) as Addresses
  const { controlUrl } = addresses
  const stats = () => ask<TimedStats>(`${controlUrl}/stats`)
  return {
    ...addresses,
    process: child,
    stats,
    async control(patch) {
      await ask(`${controlUrl}/control`, JSON.stringify(patch))
      return Date.now()
    },
    async firstCall() {
      for (;;) {
        const { firstCallMs } = (await stats()).timeline
        if (firstCallMs !== null) return firstCallMs
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
      }
    },
  }
}

async function ask<Answer>(url: string, body?: string): Promise<Answer> {
  const options = body === undefined ? {} : { method: 'POST' as const, body }
  const answer = await request(url, options)
  if (answer.statusCode !== 200) throw new Error(`simulator: ${await answer.body.text()}`)
  return (await answer.body.json()) as Answer
}
