import { randomUUID } from 'node:crypto'
import { lstat, readlink, symlink, unlink } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { currentProcess, formatProcess, type ProcessIdentity, parseProcess } from '../../process-identity.js'
import { isMissing } from './files.js'
import { isGone, keepTouched } from './presence.js'

const POLL_MS = 20

interface Holder {
  /** `<process>.<nonce>`, different at each acquisition. */
  readonly text: string
  readonly owner: ProcessIdentity | null
  readonly touchedAtMs: number
}

/**
 * Runs `work` while no other process runs work under the same path, and waits as long as it takes. The lock is a
 * symbolic link whose target names its holder: made and readable in one step, so there is never a lock without an
 * owner. One whose owner died is taken over.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const mine = `${formatProcess(currentProcess())}.${randomUUID()}`
  while (!(await tryToHold(path, mine))) {
    await clearIfAbandoned(path)
    await delay(POLL_MS)
  }
  const stopTouching = keepTouched(path)
  try {
    return await work()
  } finally {
    stopTouching()
    if ((await readHolder(path))?.text === mine) await unlink(path)
  }
}

async function tryToHold(path: string, mine: string): Promise<boolean> {
  try {
    await symlink(mine, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/**
 * Two processes may both see that the owner died. Without the second lock the slower one would remove the lock
 * that the quicker one has just taken; under it the lock that was seen can only be removed once. (Should somebody
 * die right here, the second lock is abandoned in its turn, and cleared the same way.)
 */
async function clearIfAbandoned(path: string): Promise<void> {
  const seen = await readHolder(path)
  if (seen === null || !isAbandoned(seen)) return
  await withLock(`${path}.takeover`, async () => {
    const now = await readHolder(path)
    if (now?.text === seen.text && isAbandoned(now)) await unlink(path)
  })
}

function isAbandoned({ owner, touchedAtMs }: Holder): boolean {
  // A target that names no process is not ours; nobody will ever release it.
  return owner === null || isGone(owner, touchedAtMs)
}

async function readHolder(path: string): Promise<Holder | null> {
  try {
    const text = await readlink(path)
    const { mtimeMs } = await lstat(path)
    return { text, owner: parseProcess(text.split('.', 1)[0] ?? ''), touchedAtMs: mtimeMs }
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}
