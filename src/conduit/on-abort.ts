interface Shared {
  readonly listeners: Set<() => void>
  readonly fire: () => void
}

const shares = new WeakMap<AbortSignal, Shared>()

/**
 * Calls `listener` once when `signal` aborts (it has not yet); gives what takes it off again. All listeners of a signal
 * share one of its own: a signal warns of a leak at the 11th, and looks through all it has whenever it gets another.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const shared = shares.get(signal) ?? share(signal)
  shared.listeners.add(listener)
  return () => {
    shared.listeners.delete(listener)
    if (shared.listeners.size > 0) return
    signal.removeEventListener('abort', shared.fire)
    shares.delete(signal)
  }
}

function share(signal: AbortSignal): Shared {
  const listeners = new Set<() => void>()
  const fire = () => {
    for (const listener of listeners) listener()
  }
  const shared = { listeners, fire }
  shares.set(signal, shared)
  signal.addEventListener('abort', fire, { once: true })
  return shared
}
