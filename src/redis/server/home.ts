import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { lstat, mkdir, realpath } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { UnsafeSocketDirectory } from './errors.js'

/** The kernel takes 108 bytes on Linux and 104 on macOS, the closing zero included. */
const LONGEST_SOCKET_PATH_BYTES = 100

/** Where the private server of a data directory has its things. */
export interface ServerHome {
  /** `<dataDir>/redis`: also the server's working directory, with its AOF. */
  readonly directory: string
  /** One file a process that uses the server. */
  readonly clients: string
  /** Held while the server is looked for, started or stopped. */
  readonly lock: string
  /** Which process is the server, and its socket. */
  readonly record: string
  readonly log: string
  /** The socket for a server that is started now; one that runs already says its own in `record`. */
  readonly socketPath: string
}

/** Whether a data directory has had a private server. */
export function hasPrivateServer(dataDir: string): boolean {
  return existsSync(join(dataDir, 'redis'))
}

/**
 * Creates the directories, for their owner only, and gives the paths.
 * @throws UnsafeSocketDirectory
 */
export async function prepareHome(dataDir: string): Promise<ServerHome> {
  await mkdir(join(dataDir, 'redis', 'clients'), { recursive: true, mode: 0o700 })
  // The same directory by another name (a symlink, "..") must lead to the same server.
  const directory = join(await realpath(dataDir), 'redis')
  return {
    directory,
    clients: join(directory, 'clients'),
    lock: join(directory, 'lock'),
    record: join(directory, 'server.json'),
    log: join(directory, 'redis.log'),
    socketPath: await socketPathFor(directory),
  }
}

async function socketPathFor(directory: string): Promise<string> {
  const path = join(directory, 'redis.sock')
  if (Buffer.byteLength(path) <= LONGEST_SOCKET_PATH_BYTES) return path
  const name = `${createHash('sha256').update(directory).digest('hex').slice(0, 16)}.sock`
  const { uid } = userInfo()
  const shorter = [tmpdir(), '/tmp'].map((base) => join(base, `conduit-batch-${uid}`))
  const parent = shorter.find((base) => Buffer.byteLength(join(base, name)) <= LONGEST_SOCKET_PATH_BYTES)
  if (parent === undefined) throw new Error('no path is short enough for a socket')
  await makePrivate(parent, uid)
  return join(parent, name)
}

/** In a directory that everybody can write to, somebody else may have been there first. */
async function makePrivate(directory: string, uid: number): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const found = await lstat(directory)
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) {
    throw new UnsafeSocketDirectory(directory)
  }
}
