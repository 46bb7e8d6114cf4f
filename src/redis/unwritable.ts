import { isFull } from './full.js'

/** Redis answers, and takes no writes: it can't write its own files. Nothing is lost, and it goes on by itself. */
export class RedisUnwritable extends Error {
  readonly code = 'redis_unwritable'

  /** @param place the Redis, without its password */
  constructor(place: string) {
    super(unwritableWords(place))
    this.name = 'RedisUnwritable'
  }
}

/** That Redis can't write its files, and what to do. */
export function unwritableWords(place: string): string {
  return (
    `Redis at ${place} can't write to its disk (no space left?): free some space there. Nothing is lost: this goes on ` +
    'by itself when Redis can write again.'
  )
}

/** Whether a command was refused because Redis can't write its files; in a script's error the word stands inside. */
export function isUnwritable(error: unknown): boolean {
  return error instanceof Error && /\bMISCONF\b/.test(error.message)
}

/** Whether a command was refused for want of memory or disk in Redis: nothing but that is wrong, and it may pass. */
export function refusesWrites(error: unknown): boolean {
  return isFull(error) || isUnwritable(error)
}
