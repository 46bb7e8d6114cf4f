import { Pool } from 'undici'
import type { Upstream } from './place.js'

/** What somebody else did with the same key. */
export interface OtherClient {
  stop(): Promise<{ readonly admitted: number; readonly refused: number }>
}

/** Somebody else's calls on the same key: so many a second, evenly, whatever comes of them. */
export function startOtherClient(upstream: Upstream, perSecond: number): OtherClient {
  const { origin, pathname } = new URL(upstream.baseUrl)
  const pool = new Pool(origin)
  const path = `${pathname}/chat/completions`
  const headers = { authorization: 'Bearer sk-simulator', 'content-type': 'application/json' }
  const counts = { admitted: 0, refused: 0 }
  const calls = new Set<Promise<void>>()
  const startedAt = performance.now()
  let sent = 0

  const send = async (number: number) => {
    const messages = [{ role: 'user', content: `other: tell me about number ${number}.` }]
    const body = JSON.stringify({ model: 'gpt-4o-mini', messages })
    const { statusCode, body: answer } = await pool.request({ method: 'POST', path, headers, body })
    await answer.text()
    if (statusCode === 200) counts.admitted += 1
    else counts.refused += 1
  }
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1000) * perSecond
    while (sent < due) {
      // A call that is cut off at the end counts for nothing.
      const call = send(sent++).catch(() => undefined)
      calls.add(call)
      void call.then(() => calls.delete(call))
    }
  }, 10)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(calls)
      await pool.close()
      return counts
    },
  }
}
