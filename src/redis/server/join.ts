import { findServerBinary } from './binary.js'
import { countLiveClients, registerClient } from './clients.js'
import { RedisNotInstalled } from './errors.js'
import { findServer, type RunningServer } from './find.js'
import { prepareHome, type ServerHome } from './home.js'
import { keepRunning } from './keep-running.js'
import { withLock } from './lock.js'
import { startServer, untilReady } from './start.js'
import { stopServer } from './stop.js'

export interface JoinOptions {
  /** Created for its owner only when it isn't there. On a local disk: the socket and the AOF are in it. */
  readonly dataDir: string
  /** The environment's PATH, where the server binary is looked for; undefined: where packages usually put it. */
  readonly searchPath: string | undefined
  /** Absolute path of the server binary, instead of a search. */
  readonly binary?: string
  /** Hears of a server that died and could not be started again; it is tried until it can, or until `leave`. */
  readonly onError?: (error: unknown) => void
}

/** This process's share in the private server of a data directory. */
export interface ServerMembership {
  readonly socketPath: string
  /** Whether this call started it; otherwise it ran already. */
  readonly started: boolean
  /**
   * Gives the share back; the last live client that leaves stops the server and waits until it is gone.
   * Throws RedisStopFailed.
   */
  leave(): Promise<void>
}

/**
 * Joins the private server of a data directory: finds it or starts it, and resolves once it takes commands. While
 * this process is a member, a server that dies is started again (AOF keeps what it had acknowledged).
 *
 * Members are files; whoever died without leaving no longer counts. After a kill -9 of the last one the server runs
 * on, and the next to join takes it over.
 * @throws RedisNotInstalled, RedisStartFailed, UnsafeSocketDirectory
 */
export async function joinServer(options: JoinOptions): Promise<ServerMembership> {
  const home = await prepareHome(options.dataDir)
  const unregister = await registerClient(home.clients)
  try {
    const { server, started } = await withLock(home.lock, () => findOrStart(home, options, home.socketPath))
    await untilReady(home, server)
    return createMembership(home, options, { socketPath: server.socketPath, started, unregister })
  } catch (error) {
    await unregister()
    throw error
  }
}

interface Share {
  readonly socketPath: string
  readonly started: boolean
  readonly unregister: () => Promise<void>
}

function createMembership(home: ServerHome, options: JoinOptions, share: Share): ServerMembership {
  const { socketPath, started, unregister } = share
  let leaving: Promise<void> | null = null
  const letGo = keepRunning({
    socketPath,
    onError: options.onError ?? (() => undefined),
    restart: () =>
      withLock(home.lock, async () => {
        // Whoever left meanwhile may have stopped it on purpose.
        if (leaving === null) await findOrStart(home, options, socketPath)
      }),
  })
  const leave = (): Promise<void> => {
    letGo()
    leaving ??= leaveServer(home, unregister)
    return leaving
  }
  return { socketPath, started, leave }
}

async function findOrStart(
  home: ServerHome,
  options: JoinOptions,
  socketPath: string,
): Promise<{ server: RunningServer; started: boolean }> {
  const running = await findServer(home)
  if (running !== null) return { server: running, started: false }
  const binary = options.binary ?? findServerBinary(options.searchPath)
  if (binary === null) throw new RedisNotInstalled()
  return { server: await startServer(home, binary, socketPath), started: true }
}

async function leaveServer(home: ServerHome, unregister: () => Promise<void>): Promise<void> {
  await withLock(home.lock, async () => {
    await unregister()
    if ((await countLiveClients(home.clients)) === 0) await stopServer(home)
  })
}
