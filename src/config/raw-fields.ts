/** Something wrong at a place in the file. */
export interface Problem {
  readonly path: readonly PropertyKey[]
  /** The rest of a sentence that begins with the place. */
  readonly text: string
}

type Fields = Readonly<Record<string, unknown>>

/** The fields of an object; none of anything else. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

/** Two fields of which only one may be there. */
export function exclusive(
  value: unknown,
  path: readonly PropertyKey[],
  one: string,
  other: string,
): Problem[] {
  const has = fieldsOf(value)
  if (has[one] === undefined || has[other] === undefined) return []
  return [{ path: [...path, one], text: `and ${other} are both there; keep one` }]
}

/** Two fields of which exactly one must be there. */
export function either(value: unknown, path: readonly PropertyKey[], one: string, other: string): Problem[] {
  const has = fieldsOf(value)
  if (has[one] === undefined && has[other] === undefined) {
    return [{ path, text: `must say where it is: "${one}", or "${other}"` }]
  }
  return exclusive(value, path, one, other)
}
