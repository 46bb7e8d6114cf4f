import { access, constants, mkdir, statfs } from 'node:fs/promises'
import { formatBytes } from '../text/format.js'
import type { Finding } from './finding.js'

const LITTLE_BYTES = 1 << 30

/** Is there room for answers, and may they be written? */
export async function checkDisk(directory: string): Promise<Finding> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await access(directory, constants.W_OK)
    const { bavail, bsize } = await statfs(directory)
    const free = bavail * bsize
    return {
      check: 'disk',
      level: free === 0 ? 'bad' : free < LITTLE_BYTES ? 'warn' : 'ok',
      text: `${formatBytes(free)} free at ${directory}${free === 0 ? ': free some space there' : ''}`,
    }
  } catch (error) {
    return { check: 'disk', level: 'bad', text: `${directory} can't be used: ${(error as Error).message}` }
  }
}
