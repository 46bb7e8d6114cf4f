import type { Worker } from 'bullmq'

const REST_MS = 1000

/** A rest of a BullMQ worker. */
export interface Rest {
  /** False while it rests already. */
  begin(): boolean
  end(): void
}

/** BullMQ asks a Redis that refuses writes for the next job again at once, and for ever: it is kept from that for a second. */
export function createRest(worker: Pick<Worker, 'pause' | 'resume'>): Rest {
  let timer: NodeJS.Timeout | null = null
  return {
    begin() {
      if (timer !== null) return false
      void worker.pause(true)
      timer = setTimeout(() => {
        timer = null
        void worker.resume()
      }, REST_MS)
      return true
    },
    end() {
      if (timer !== null) clearTimeout(timer)
    },
  }
}
