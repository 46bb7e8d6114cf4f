import { createHash } from 'node:crypto'
import type { DeadLetter } from './dead-letter.js'

/** What dead letters have in common that died of the same: the code, the message in outline, the fields it names. */
export interface Group {
  /** The same for the same group, everywhere. */
  readonly id: string
  readonly code: string
  /** Numbers, ids and quoted values are left out, so that messages differ only in what they say. */
  readonly message: string
  /** Names of the fields that `details.fields` complains about, sorted. */
  readonly fields: readonly string[]
}

const MAX_MESSAGE = 200
const MAX_FIELDS = 20
const MAX_FIELD = 100

const OTHER = 'other messages'
const LEFT_OUT = '…'

/** In this order: what is quoted may hold numbers. An apostrophe within a word quotes nothing. */
const VARYING: readonly RegExp[] = [
  /"[^"]*"|`[^`]*`|(?<!\w)'[^']*'(?!\w)|“[^”]*”/g,
  /\b(?:req|request|trace|chatcmpl|msg)[_-][\w-]+/gi,
  /\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/gi,
  /\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b/gi,
  /\d+(?:[.,:]\d+)*/g,
]

/** The group that a dead letter belongs to. */
export function groupOf(letter: DeadLetter): Group {
  return group(letter.code, outline(letter.failure.message), fieldNames(letter.failure.envelope))
}

/** Where letters of a code go when there are too many groups already. */
export function otherGroup(code: string): Group {
  return group(code, OTHER, [])
}

/** As `readGroup` reads it. */
export function writeGroup({ code, message, fields }: Group): string {
  return JSON.stringify({ code, message, fields })
}

/** What a group is, by the text that is kept of it. */
export function readGroup(text: string): Omit<Group, 'id'> {
  return JSON.parse(text) as Omit<Group, 'id'>
}

/** A message without what varies from letter to letter. */
export function outline(message: string): string {
  const text = VARYING.reduce((rest, pattern) => rest.replace(pattern, LEFT_OUT), message)
  return text.slice(0, MAX_MESSAGE).toWellFormed()
}

function fieldNames(envelope: Record<string, unknown> | null): string[] {
  const details = envelope?.details
  const fields = isObject(details) ? details.fields : null
  if (!isObject(fields)) return []
  const names = Object.keys(fields).map((name) => outline(name).slice(0, MAX_FIELD))
  return [...new Set(names)].sort().slice(0, MAX_FIELDS)
}

function group(code: string, message: string, fields: readonly string[]): Group {
  const id = createHash('sha256')
    .update(JSON.stringify([code, message, fields]))
    .digest('hex')
    .slice(0, 16)
  return { id, code, message, fields }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
