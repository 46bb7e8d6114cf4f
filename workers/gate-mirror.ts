import type { Queue } from 'bullmq'
import type { Logger } from 'pino'
import type { Gate } from '../src/admission/gate.js'
import type { Lease } from '../src/admission/lease.js'
import type { KeyHolder } from '../src/completions/key-holder.js'

export interface GateMirrorOptions {
  readonly queue: Queue
  readonly gate: Gate
  /** Looks at the gate through the lease script, which also lifts the holds that time ends. */
  readonly look: () => Promise<Lease>
  readonly keyHolder: KeyHolder
  /** Another key lifts the hold that the refused one has placed; else a person does. */
  readonly autoResume: boolean
  readonly log: Logger
}

/**
 * Makes BullMQ's pause follow the gate, and the key follow its source. Run again and again, so that a crash (or a
 * race) between the two heals within a moment.
 */
export function createGateMirror({ queue, gate, look, keyHolder, autoResume, log }: GateMirrorOptions): {
  sync: () => Promise<void>
} {
  let running: Promise<void> | null = null

  async function liftRefusedKey(): Promise<void> {
    const { holds, refusedKeys } = await gate.read()
    if (!holds.some(({ reason }) => reason === 'credentials')) return
    await keyHolder.reload()
    if (refusedKeys.length === 0 || refusedKeys.includes(keyHolder.current().fingerprint)) return
    await gate.lift('credentials', 'new_key')
    log.info({ key: keyHolder.current().fingerprint }, 'gate.new_key')
  }

  async function syncOnce(): Promise<void> {
    let { state, gateEpoch } = await look()
    if (state === 'held' && autoResume) {
      await liftRefusedKey()
      ;({ state, gateEpoch } = await look())
    }
    if (state !== 'held') await keyHolder.forEpoch(gateEpoch)
    const paused = await queue.isPaused()
    if (state === 'held' && !paused) {
      await queue.pause()
      log.info('gate.held')
    } else if (state !== 'held' && paused) {
      await queue.resume()
      log.info({ state }, 'gate.opened')
    }
  }

  return {
    sync() {
      running ??= syncOnce().finally(() => {
        running = null
      })
      return running
    },
  }
}
