import { Pool } from 'undici'
import type { Upstream } from './place.js'

/** What a loop without a queue took. */
export interface BareLoop {
  readonly seconds: number
  readonly cpuSeconds: number
}

/** The limit of what HTTP can do: an undici Pool with so many calls in flight, and nothing else. */
export async function bareLoop(upstream: Upstream, prompts: number, inFlight: number): Promise<BareLoop> {
  const { origin, pathname } = new URL(upstream.baseUrl)
  const pool = new Pool(origin, { connections: inFlight })
  const path = `${pathname}/chat/completions`
  const headers = { authorization: 'Bearer sk-simulator', 'content-type': 'application/json' }
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()]
  let next = 0
  const lane = async () => {
    while (next < prompts) {
      const content = `bare: tell me about number ${next++}.`
      const body = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }] })
      const answer = await pool.request({ method: 'POST', path, headers, body })
      await answer.body.text()
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(cpu)
  await pool.close()
  return { seconds, cpuSeconds: (user + system) / 1e6 }
}
