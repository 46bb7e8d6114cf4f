/** What a ceiling of the pace must be, on the command line and in the environment; for sentences that begin with it. */
export const PER_MINUTE = 'must be a number of requests a minute, 1 or more'

const NUMBER = /^\d{1,15}(\.\d{1,9})?$/

/** `600` or `90.5`, requests a minute; null for anything else, and for less than 1. */
export function perMinute(text: string): number | null {
  const value = NUMBER.test(text) ? Number(text) : 0
  return value >= 1 ? value : null
}
