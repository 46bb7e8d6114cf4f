import { EventEmitter } from 'node:events'
import { onAbort } from './on-abort.js'

/** The caller's signal ended the call (its deadline did not): nobody waits for the answer any more. */
export class CallAborted extends Error {
  readonly code = 'call_aborted'
  constructor() {
    super('the call was aborted')
    this.name = 'CallAborted'
  }
}

/** The call took longer than it was given. */
export class DeadlinePassed extends Error {
  readonly code = 'deadline_passed'
  constructor(timeoutMs: number) {
    super(`no complete answer within ${Math.round(timeoutMs) / 1000} s`)
    this.name = 'DeadlinePassed'
  }
}

export interface Limits {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * Runs `work` until it settles, `timeoutMs` pass or `signal` aborts, and settles at once with the first of these; `stop`
 * then emits `abort`, which undici takes for a signal at a tenth of the CPU. (undici alone would not do: it looks at a
 * signal only when a request gets its connection, so one that waits for a connection would outlive its deadline.)
 *
 * The end is put off until the sockets have been looked at once more: an answer that is there was paid for, and wins.
 *
 * @throws CallAborted when `signal` ended it, also when it was aborted before: then `work` is never called.
 * @throws DeadlinePassed when time did.
 */
export function withDeadline<T>(limits: Limits, work: (stop: EventEmitter) => Promise<T>): Promise<T> {
  const { timeoutMs, signal } = limits
  if (signal?.aborted) return Promise.reject(new CallAborted())
  return new Promise<T>((resolve, reject) => {
    const stop = new EventEmitter()
    let settled = false
    const end = (reason: Error) =>
      afterNextPoll(() => {
        if (settled) return
        settle()
        reject(reason)
        stop.emit('abort')
      })
    const timer = setTimeout(() => end(new DeadlinePassed(timeoutMs)), Math.min(timeoutMs, MAX_TIMER_MS))
    const ignore = signal === undefined ? null : onAbort(signal, () => end(new CallAborted()))
    const settle = () => {
      settled = true
      clearTimeout(timer)
      ignore?.()
    }
    work(stop).finally(settle).then(resolve, reject)
  })
}

/** Two immediates, with a whole turn of the event loop between them: the first alone may run in this very turn. */
function afterNextPoll(callback: () => void): void {
  setImmediate(() => setImmediate(callback))
}
