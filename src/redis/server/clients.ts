import { randomBytes } from 'node:crypto'
import { lstat, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { currentProcess, formatProcess, parseProcess } from '../../process-identity.js'
import { isMissing } from './files.js'
import { isGone, keepTouched } from './presence.js'

/** Says that this process uses the server, until it is called off. A process may register more than once. */
export async function registerClient(directory: string): Promise<() => Promise<void>> {
  const name = `${formatProcess(currentProcess())}.${randomBytes(4).toString('hex')}`
  const path = join(directory, name)
  await writeFile(path, '', { mode: 0o600 })
  const stopTouching = keepTouched(path)
  return async () => {
    stopTouching()
    await rm(path, { force: true })
  }
}

/** Gives how many clients live, and removes the files of those that died. To be called under the lock. */
export async function countLiveClients(directory: string): Promise<number> {
  const names = await readdir(directory)
  const alive = await Promise.all(names.map((name) => isClientAlive(directory, name)))
  const dead = names.filter((_, index) => alive[index] !== true)
  await Promise.all(dead.map((name) => rm(join(directory, name), { force: true, recursive: true })))
  return names.length - dead.length
}

async function isClientAlive(directory: string, name: string): Promise<boolean> {
  const owner = parseProcess(name.split('.', 1)[0] ?? '')
  if (owner === null) return false
  try {
    const { mtimeMs } = await lstat(join(directory, name))
    return !isGone(owner, mtimeMs)
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}
