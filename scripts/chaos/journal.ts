import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { batchOf } from './evidence.js'
import type { World } from './world.js'

const EVERY_MS = 1000

/** Writes a line a second about how a world goes on, for whoever looks at a violation later. */
export function keepJournal(world: World): { note(line: string): void; stop(): void } {
  const { admin, keys, simulator, directory } = world
  const path = join(directory, 'logs', 'journal.log')
  const note = (line: string) => appendFileSync(path, `${new Date().toISOString()} ${line}\n`)
  let looking = false
  async function look(): Promise<void> {
    const { calls, inFlight, completed } = simulator.stats()
    const batch = await batchOf(world)
    const fields =
      batch === null ? [] : await admin.hmget(keys.batch(batch), 'fed', 'completed', 'failed', 'collected')
    const jobs = (state: string) => `${keys.tag}:completions:${state}`
    const [wait, paused, active, delayed] = await Promise.all([
      admin.llen(jobs('wait')),
      admin.llen(jobs('paused')),
      admin.llen(jobs('active')),
      admin.zcard(jobs('delayed')),
    ])
    const gate = await admin.hgetall(keys.gate)
    const holds = Object.keys(gate).filter((name) => name.startsWith('hold:'))
    note(
      `calls ${calls}, out ${inFlight}, answered ${completed}; fed/completed/failed/collected ${fields.join('/')}; ` +
        `jobs wait ${wait} paused ${paused} active ${active} delayed ${delayed}; ` +
        `holds [${holds.join(' ')}]${gate.probing === '1' ? ' probing' : ''}`,
    )
  }
  const timer = setInterval(() => {
    if (looking) return
    looking = true
    look()
      .catch((error: Error) => note(`no look: ${error.message}`))
      .finally(() => {
        looking = false
      })
  }, EVERY_MS)
  return { note, stop: () => clearInterval(timer) }
}
