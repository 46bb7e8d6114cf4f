import { renameSync, writeFileSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { formatProcess, type ProcessIdentity, parseProcess } from '../../process-identity.js'
import { isMissing } from './files.js'

/** What is known of the server that was started last. */
export interface ServerRecord {
  readonly process: ProcessIdentity
  readonly socketPath: string
}

/** Writes it whole or not at all. Synchronous, so that nothing comes between the start of a server and its record. */
export function writeRecord(path: string, { process, socketPath }: ServerRecord): void {
  const draft = `${path}.new`
  writeFileSync(draft, JSON.stringify({ process: formatProcess(process), socketPath }), { mode: 0o600 })
  renameSync(draft, path)
}

/** Gives the record, or null when there is none that can be read. */
export async function readRecord(path: string): Promise<ServerRecord | null> {
  try {
    return parseRecord(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return null
    throw error
  }
}

/** Forgets a server that is gone. */
export async function removeRecord(path: string): Promise<void> {
  await rm(path, { force: true })
}

function parseRecord(value: unknown): ServerRecord | null {
  if (typeof value !== 'object' || value === null) return null
  if (!('process' in value) || typeof value.process !== 'string') return null
  if (!('socketPath' in value) || typeof value.socketPath !== 'string') return null
  const process = parseProcess(value.process)
  return process === null ? null : { process, socketPath: value.socketPath }
}
