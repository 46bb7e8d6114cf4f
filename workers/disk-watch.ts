import type { Logger } from 'pino'
import type { Gate } from '../src/admission/gate.js'
import type { DataDirectory } from '../src/batches/data-directory.js'
import { type DiskFull, type DiskUnwritable, probeRoom } from '../src/batches/disk-trouble.js'

export interface DiskWatchOptions {
  readonly gate: Gate
  readonly directory: DataDirectory
  /** Who places the hold. */
  readonly name: string
  readonly log: Logger
}

/** Holds the queue while the disk of a data directory takes no answers, and lifts that when it does again. */
export interface DiskWatch {
  /** A write has failed. */
  failed(trouble: DiskFull | DiskUnwritable): Promise<void>
  /** All that was to be written has been. */
  succeeded(): Promise<void>
}

/** Between two looks whether the gate says that this disk is full: a Redis that came back older may, or who was here before. */
const LOOK_MS = 2000

export function createDiskWatch({ gate, directory, name, log }: DiskWatchOptions): DiskWatch {
  let troubled = false
  let lookedAt = Number.NEGATIVE_INFINITY
  return {
    async failed({ code, message }) {
      troubled = true
      const evidence = { by: name, code, message, requestId: null, keyFingerprint: null }
      const noRoom = directory.id
      await gate.hold({ reason: 'storage', ...evidence, epoch: null, retryAfterMs: 0, noRoom })
    },
    async succeeded() {
      if (!troubled && performance.now() - lookedAt >= LOOK_MS) {
        lookedAt = performance.now()
        troubled = await gate.lacksRoom(directory.id)
      }
      if (!troubled) return
      // There may have been nothing to write.
      const room = await probeRoom(directory.path).then(
        () => true,
        (error: Error) => {
          log.info({ err: error.message }, 'disk.no_room')
          return false
        },
      )
      if (!room) return
      const { lifted } = await gate.hasRoom(directory.id)
      troubled = false
      if (lifted > 0) log.info('disk.room_again')
    },
  }
}
