import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isAlive, isSameHost, parseProcess } from '../process-identity.js'

const MARK = 'writer.'

/** The mark of a holder of the lease beside the files of a batch: `writer.<process>_<epoch>_<time>`. */
function markOf(lease: string): string {
  return `${MARK}${lease.replaceAll(' ', '_')}`
}

/**
 * Leaves the mark of one that may write to the files of a batch. Before it looks whether the lease is (still) its own:
 * so whoever takes over later finds the mark of everybody who got past that look.
 */
export async function noteWriter(directory: string, lease: string): Promise<void> {
  await writeFile(join(directory, markOf(lease)), '')
}

/** Takes it away, once nothing is written any more. */
export async function dropWriter(directory: string, lease: string): Promise<void> {
  await rm(join(directory, markOf(lease)), { force: true })
}

/**
 * The marks of others that may still write to the files that are there: they stand still, or run on another machine.
 * Those of processes that died on this machine are removed.
 */
export async function otherWriters(directory: string, lease: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => name.startsWith(MARK) && name !== markOf(lease))
  const others: string[] = []
  for (const name of names) {
    const process = parseProcess(name.slice(MARK.length).split('_')[0] ?? '')
    const path = join(directory, name)
    if (process !== null && isSameHost(process) && !isAlive(process)) await rm(path, { force: true })
    else others.push(path)
  }
  return others
}
