/** Redis has no memory left. Nothing of what was asked for is lost, and nothing was taken for certain. */
export class RedisFull extends Error {
  readonly code = 'redis_full'

  /** @param place the Redis, without its password */
  constructor(place: string) {
    super(
      `Redis at ${place} is full (maxmemory). Try again when workers have made room, or give it more memory`,
    )
    this.name = 'RedisFull'
  }
}

/** Whether a command was refused because Redis has no memory left. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && /\bOOM command not allowed/.test(error.message)
}
