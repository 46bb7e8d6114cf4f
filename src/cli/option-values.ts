import { InvalidArgumentError } from 'commander'
import { durationMs } from '../config/duration.js'
import { PER_MINUTE, perMinute } from '../config/per-minute.js'
import { POLL_SECONDS, pollSeconds } from '../config/poll-seconds.js'
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

/** Requests a minute, with a fraction if need be. */
export function requestsPerMinute(text: string): number {
  const value = perMinute(text)
  if (value !== null) return value
  throw new InvalidArgumentError(`It ${PER_MINUTE}.`)
}

/** Seconds between two questions for the balance, as milliseconds. */
export function balancePoll(text: string): number {
  const value = pollSeconds(text)
  if (value !== null) return value * 1000
  throw new InvalidArgumentError(`It ${POLL_SECONDS}.`)
}

/** Dollars, as cents. */
export function dollars(text: string): number {
  const value = Number(text.replace(/^\$/, ''))
  if (/^\$?\d+(\.\d+)?$/.test(text) && value > 0) return value * 100
  throw new InvalidArgumentError('It must be dollars, more than 0: 5 or 0.50.')
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

const SECONDS = /^([1-9]\d{0,8})s$/

/** A time span as the configuration has them (`30d`, `12h`, `90m`, `2w`), or of seconds (`45s`), as milliseconds. */
export function age(text: string): number {
  const word = text.trim()
  const seconds = SECONDS.exec(word)?.[1]
  const ms = seconds === undefined ? durationMs(word) : Number(seconds) * 1000
  if (ms !== null) return ms
  throw new InvalidArgumentError(
    'It must be a whole number, from 1, with s, m, h, d or w behind it: 30d, 12h, 2w.',
  )
}
