/** The lines to type for whoever has no Redis; development scripts show them too. */
export const HOW_TO_GET_REDIS = [
  'Debian, Ubuntu:  sudo apt-get install -y redis-server',
  'macOS:           brew install redis',
  'Docker:          docker run -d -p 127.0.0.1:6379:6379 redis:8-alpine redis-server --appendonly yes --maxmemory-policy noeviction',
  '                 export REDIS_URL=redis://127.0.0.1:6379',
] as const

/** There is no server binary, and no REDIS_URL points elsewhere. */
export class RedisNotInstalled extends Error {
  readonly code = 'redis_not_installed'

  constructor() {
    const lines = HOW_TO_GET_REDIS.map((line) => `  ${line}`).join('\n')
    super(
      `Redis is needed, and neither redis-server nor valkey-server was found. Install it, or set REDIS_URL:\n${lines}`,
    )
    this.name = 'RedisNotInstalled'
  }
}

/** The private server did not come up, or does not answer. */
export class RedisStartFailed extends Error {
  readonly code = 'redis_start_failed'

  /** @param log the last lines that the server wrote; it never logs keys or values */
  constructor(problem: string, logPath: string, log: string) {
    super(
      `The private Redis server ${problem}. ${log === '' ? `${logPath} is empty` : `${logPath} ends with:\n${log}`}`,
    )
    this.name = 'RedisStartFailed'
  }
}

/** The last client left, and the private server still runs. Nothing is lost: the next client finds it. */
export class RedisStopFailed extends Error {
  readonly code = 'redis_stop_failed'

  constructor(problem: string, logPath: string) {
    super(`The private Redis server could not be stopped: ${problem}. Its log is ${logPath}`)
    this.name = 'RedisStopFailed'
  }
}

/** The directory for a short socket path is somebody else's, or open to others. */
export class UnsafeSocketDirectory extends Error {
  readonly code = 'unsafe_socket_directory'

  constructor(directory: string) {
    super(
      `${directory} must be a directory that only you can enter (mode 700): ` +
        'remove it, or choose a data directory with a shorter path',
    )
    this.name = 'UnsafeSocketDirectory'
  }
}
