import { join } from 'node:path'
import { ask } from './probe.js'
import { readRecord } from './record.js'

/**
 * The socket of a data directory's private server, when one runs and takes commands; null otherwise. Nothing is started
 * for it, and nothing keeps it running.
 */
export async function socketOfRunning(dataDir: string): Promise<string | null> {
  const record = await readRecord(join(dataDir, 'redis', 'server.json'))
  if (record === null) return null
  return (await ask(record.socketPath, 'PING')).kind === 'ready' ? record.socketPath : null
}
