import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { currentProcess, formatProcess, isAlive, isSameHost, parseProcess } from '../process-identity.js'

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
  const names = (await marksIn(directory)).filter((name) => name !== markOf(lease))
  const others: string[] = []
  for (const name of names) {
    const process = parseProcess(processOf(name))
    const path = join(directory, name)
    if (process !== null && isSameHost(process) && !isAlive(process)) await rm(path, { force: true })
    else others.push(path)
  }
  return others
}

/**
 * Whether another process of this machine has the files open, and so works on the batch: maybe for another Redis. Of
 * processes on other machines nothing can be known from here, so they don't count.
 */
export async function isWorkedOnByAnother(directory: string): Promise<boolean> {
  const own = formatProcess(currentProcess())
  const names = (await marksIn(directory)).map(processOf).filter((name) => name !== own)
  return names.some((name) => {
    const process = parseProcess(name)
    return process !== null && isAlive(process)
  })
}

async function marksIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.startsWith(MARK))
}

/** As `formatProcess` wrote it. */
function processOf(mark: string): string {
  return mark.slice(MARK.length).split('_')[0] ?? ''
}
