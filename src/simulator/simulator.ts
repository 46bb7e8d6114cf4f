import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ControlPatch, parseControl, parseOptions, type SimulatorOptions } from './options.js'
import type { PromptCalls } from './prompt-records.js'
import { createSimulatorServer } from './server.js'
import type { SimulatorStats } from './stats.js'
import { changeWorld, createWorld, statsOf } from './world.js'

/** A Conduit on this machine. It imports nothing from the product: it is the independent witness. */
export interface Simulator {
  /** `http://127.0.0.1:PORT/v1` */
  readonly baseUrl: string
  /** `http://127.0.0.1:PORT/api/billing` */
  readonly billingUrl: string
  /** `http://127.0.0.1:PORT/_simulator`: `GET /stats`, `GET /calls`, `POST /control` */
  readonly controlUrl: string
  stats(): SimulatorStats
  /** Each prompt that was ever called. */
  calls(): PromptCalls[]
  /** Changes it while it runs. Throws ZodError when the patch is wrong. */
  control(patch: ControlPatch): void
  /** Cuts every connection, hanging ones too. */
  close(): Promise<void>
}

/**
 * Starts a stand-in for Conduit.im, faithful to its documentation. `now` gives Unix milliseconds.
 * Rejects with ZodError when an option is wrong, with Node's error when the port can't be listened on.
 */
export async function startSimulator(
  options: Partial<SimulatorOptions> = {},
  now: () => number = Date.now,
): Promise<Simulator> {
  const settings = parseOptions(options)
  const world = createWorld(settings, now)
  const server = createSimulatorServer(world)
  const port = await listen(server, settings.port, settings.host)
  const origin = `http://${reachableHost(settings.host)}:${port}`
  return {
    baseUrl: `${origin}/v1`,
    billingUrl: `${origin}/api/billing`,
    controlUrl: `${origin}/_simulator`,
    stats: () => statsOf(world),
    calls: () => world.statistics.prompts(),
    control: (patch) => changeWorld(world, parseControl(patch)),
    close: () => close(server),
  }
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

/** Closing twice is harmless: the second time there is nothing left to close. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

/** A host that a client can call: "every address" becomes this machine, IPv6 gets its brackets. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
