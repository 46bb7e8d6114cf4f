import { type ApiError, CONDUIT_ERRORS, type ConduitCode, conduitError } from './envelope.js'

/** Faults that are no envelope: broken bodies, broken connections, answers that never come. */
const BROKEN_ANSWERS = [
  'HTML_502', // a proxy's page
  'NOT_JSON', // 200 with plain text
  'NO_CHOICES', // 200, JSON, but no choices
  'EMPTY_CHOICES', // 200 with an empty list of choices
  'ERROR_IN_200', // 200 that holds an error envelope
  'EMPTY_BODY', // 200 with nothing
  'TRUNCATED_BODY', // Content-Length promises more, then the socket is destroyed
  'STALLED_BODY', // half of the body, then silence
  'HUGE_BODY', // a valid completion of HUGE_BODY_BYTES
  'REDIRECT', // 302 to a place that counts who follows
  'RESET', // the connection is reset before any header
  'HANG', // no answer until the client gives up
  'LOST_ANSWER', // billed like a completion, then reset: the client can't know
] as const

export type BrokenAnswer = (typeof BROKEN_ANSWERS)[number]

/**
 * A fault by name: a code of Conduit's tables, a broken answer, or `STATUS_nnn` (400 to 599), which gives that
 * status with an envelope whose code, `STATUS_nnn`, no documentation knows.
 */
export type FaultName = ConduitCode | BrokenAnswer | `STATUS_${number}`

/** Whether `name` is a fault that the simulator can cause. */
export function isFaultName(name: unknown): name is FaultName {
  if (typeof name !== 'string') return false
  return isConduitCode(name) || isBrokenAnswer(name) || /^STATUS_[45]\d\d$/.test(name)
}

/** Whether the fault is a broken answer rather than an envelope. */
export function isBrokenAnswer(name: string): name is BrokenAnswer {
  return (BROKEN_ANSWERS as readonly string[]).includes(name)
}

/** The error that a fault's envelope carries. */
export function faultError(name: Exclude<FaultName, BrokenAnswer>): ApiError {
  if (isConduitCode(name)) return conduitError(name)
  return { status: Number(name.slice('STATUS_'.length)), code: name, message: 'Simulated status' }
}

function isConduitCode(name: string): name is ConduitCode {
  return Object.hasOwn(CONDUIT_ERRORS, name)
}
