import { z } from 'zod'

type JsonObject = Record<string, unknown>

/** An edit that can't be made, or not in this body. */
export class InvalidEdit extends Error {
  readonly code = 'invalid_edit'
}

/** What a retry changes in the body of its request: fields by their dotted paths, or all of it. */
export const editSchema = z
  .unknown()
  .refine(
    (edit) => isSafeJson(edit, MAX_DEPTH),
    `must be JSON without "__proto__", not deeper than 100 levels`,
  )
  .pipe(
    z.union([
      z.strictObject({
        set: z
          .record(
            z.string().refine(isPath, 'must be names of fields and numbers of elements, with dots between'),
            z.unknown(),
          )
          .refine((fields) => Object.keys(fields).length > 0, 'must name a field'),
      }),
      z.strictObject({ body: z.record(z.string(), z.unknown()) }),
    ]),
  )

export type Edit = z.infer<typeof editSchema>

/** More than a request needs; deep enough values can't be written as JSON again. */
const MAX_DEPTH = 100
const INDEX = /^(0|[1-9]\d{0,8})$/
const POLLUTING = '__proto__'

function isPath(path: string): boolean {
  return path.split('.').every((name) => name.trim() !== '' && name !== POLLUTING)
}

function isSafeJson(value: unknown, depthLeft: number): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || depthLeft === 0) return false
  if (Array.isArray(value)) return value.every((child) => isSafeJson(child, depthLeft - 1))
  return Object.entries(value).every(([key, child]) => key !== POLLUTING && isSafeJson(child, depthLeft - 1))
}

/**
 * The body with an edit made; the body given stays as it is. A field that is missing on the way is made; an array
 * takes an element that it has, or the one behind its last.
 * @throws InvalidEdit when a path leads through a text, past the end of an array, or the result asks for a stream
 */
export function applyEdit(body: Readonly<JsonObject>, edit: Edit): JsonObject {
  const edited = 'body' in edit ? { ...edit.body } : setFields(body, edit.set)
  if (edited.stream === true) throw new InvalidEdit('stream: true is not supported: the answer comes whole.')
  return edited
}

function setFields(body: Readonly<JsonObject>, fields: Readonly<JsonObject>): JsonObject {
  const paths = Object.keys(fields).map((path) => path.split('.'))
  // What is above comes first, so that the order of the fields does not matter.
  paths.sort((a, b) => a.length - b.length)
  return paths.reduce<JsonObject>(
    (edited, path) => setAt(edited, path, 0, fields[path.join('.')]) as JsonObject,
    { ...body },
  )
}

function setAt(target: unknown, path: readonly string[], depth: number, value: unknown): unknown {
  if (depth === path.length) return value
  const name = path[depth] as string
  if (Array.isArray(target)) {
    const at = Number(name)
    const last = depth === path.length - 1 ? target.length : target.length - 1
    if (!INDEX.test(name) || at > last) throw misfit(path, depth, `has ${target.length} elements`)
    const copy: unknown[] = [...target]
    copy[at] = setAt(copy[at], path, depth + 1, value)
    return copy
  }
  if (target === undefined || target === null) {
    if (INDEX.test(name)) throw misfit(path, depth, 'is not there')
    return { [name]: setAt(undefined, path, depth + 1, value) }
  }
  if (typeof target !== 'object') throw misfit(path, depth, `is a ${typeof target}`)
  const fields = target as JsonObject
  const child = Object.hasOwn(fields, name) ? fields[name] : undefined
  return { ...fields, [name]: setAt(child, path, depth + 1, value) }
}

function misfit(path: readonly string[], depth: number, why: string): InvalidEdit {
  const place = ['body', ...path.slice(0, depth)].join('.')
  return new InvalidEdit(`body.${path.join('.')} can't be set: ${place} ${why}.`)
}

/** One edit that does what two do, one after the other; null when neither does anything. */
export function composeEdits(earlier: Edit | null, next: Edit | null): Edit | null {
  if (earlier === null || next === null) return next ?? earlier
  if ('body' in next) return next
  if ('body' in earlier) return { body: applyEdit(earlier.body, next) }
  const kept = Object.entries(earlier.set).filter(
    ([path]) => !Object.keys(next.set).some((over) => path === over || path.startsWith(`${over}.`)),
  )
  return { set: { ...Object.fromEntries(kept), ...next.set } }
}

/** What stands for a field and a value in advice and help: pasted as it is, it would change requests for nothing. */
const PLACEHOLDERS: ReadonlySet<string> = new Set(['FIELD', 'VALUE', 'MODEL'])

const SET = /^body\.([^=]*)=(.*)$/s

/**
 * Reads `body.model="gpt-5"`, as the command line takes it: a path below body, and a value, which is JSON where it
 * reads as such and text else.
 * @throws InvalidEdit
 */
export function parseSet(text: string): Edit {
  const match = SET.exec(text.trim())
  const path = match?.[1]?.trim() ?? ''
  if (match === null || !isPath(path)) {
    throw new InvalidEdit(
      `${JSON.stringify(text)} sets nothing: write body.FIELD=VALUE, such as body.model="gpt-5".`,
    )
  }
  const given = (match[2] ?? '').trim()
  if (PLACEHOLDERS.has(given) || path.split('.').some((name) => PLACEHOLDERS.has(name))) {
    throw new InvalidEdit(
      `${JSON.stringify(text)} is only the form: put the field and the value in, such as body.model="gpt-5".`,
    )
  }
  if (given === '')
    throw new InvalidEdit(`body.${path} has no value: write body.${path}="" for an empty text.`)
  const edit = editSchema.safeParse({ set: { [path]: jsonOrText(given) } })
  if (!edit.success)
    throw new InvalidEdit(`body.${path}: the value is nested too deep, or names "__proto__".`)
  return edit.data
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text // gpt-5 needs no quotes
  }
}
