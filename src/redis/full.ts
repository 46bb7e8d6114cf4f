/**
 * Redis has no memory left for what was asked. `nearly`: what is left is for the workers, and nothing was taken.
 * `entirely`: nothing is lost, and nobody knows whether what was asked for was taken.
 */
export class RedisFull extends Error {
  readonly code = 'redis_full'

  /** @param place the Redis, without its password */
  constructor(place: string, how: 'nearly' | 'entirely') {
    super(
      how === 'nearly'
        ? `Redis at ${place} has little memory left (maxmemory), which is for the workers. Enqueue again when they have ` +
            'answered requests and answers have expired, or give it more memory'
        : `Redis at ${place} is full (maxmemory), so that workers can't make room either. Give it more memory`,
    )
    this.name = 'RedisFull'
  }
}

/** Whether a command was refused because Redis has no memory left. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && /\bOOM command not allowed/.test(error.message)
}
