import { InvalidArgumentError } from 'commander'
import { QUEUE_NAME } from '../redis/keys.js'

/** A whole number in a range; anything else is refused by name, never taken for the default. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= min && value <= max) return value
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `between ${min} and ${max}`
    throw new InvalidArgumentError(`It must be a whole number ${range}.`)
  }
}

/** Seconds, with a fraction if need be, as milliseconds. */
export function seconds(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+(\.\d+)?$/.test(text) && value >= min && value <= max) return value * 1000
    throw new InvalidArgumentError(`It must be seconds, between ${min} and ${max}.`)
  }
}

/** A queue's name. */
export function queueName(text: string): string {
  if (QUEUE_NAME.test(text)) return text
  throw new InvalidArgumentError('It must be 1 to 63 of a-z, 0-9 and "-".')
}

/** Any text that is not empty. */
export function someText(text: string): string {
  if (text.trim() !== '') return text
  throw new InvalidArgumentError('It must not be empty.')
}

const LONGEST_BATCH_NAME = 64

/** What a batch is called instead of its id: no option, no id, nothing that a shell or a table would break. */
export function batchName(text: string): string {
  if (text.length <= LONGEST_BATCH_NAME && /^[\p{L}\p{N}][\p{L}\p{N}._@+-]*$/u.test(text)) {
    if (!/^b[0-9a-f]{12}$/.test(text)) return text
    throw new InvalidArgumentError('It looks like the id of a batch.')
  }
  throw new InvalidArgumentError(
    `It must be 1 to ${LONGEST_BATCH_NAME} letters, digits, ".", "_", "@", "+" or "-", and begin with a letter or digit.`,
  )
}

const AGE_UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3600_000,
  d: 24 * 3600_000,
}

/** A time span such as `30d`, `12h`, `90m` or `45s`, as milliseconds. */
export function age(text: string): number {
  const match = /^(\d{1,9}(?:\.\d+)?)([smhd])$/.exec(text.trim())
  const unitMs = AGE_UNITS_MS[match?.[2] ?? '']
  if (unitMs !== undefined) return Number(match?.[1]) * unitMs
  throw new InvalidArgumentError('It must be a number with s, m, h or d behind it: 30d, 12h.')
}
