/** Where a text stops being JSON. Line and column are 1-based; columns count UTF-16 units. */
export interface JsonFault {
  readonly line: number
  readonly column: number
  /** Without the source: it may hold what nobody should see. */
  readonly what: string
}

const BLANKS = /[ \t\r\n]*/y
// Between quotes: what is not a control character, not '"' and not "\", or an escape.
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*"/y
const SCALAR = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[Ee][+-]?\d+)?)(?![\w.+-])/y
const MARK = /[{}[\]:,]/y

/** What may come next, by state. */
const EXPECTED = {
  value: 'a value',
  firstItem: 'a value or "]"',
  firstName: 'a name in double quotes or "}"',
  name: 'a name in double quotes',
  colon: '":"',
  nextItem: '"," or "]"',
  nextField: '"," or "}"',
  end: 'nothing more',
} as const
type State = keyof typeof EXPECTED

/**
 * Finds the first place where a text is not JSON, or where an object has a name twice, of which JSON.parse would
 * keep the last and say nothing. Null: none. (V8 names a place for some faults only, and quotes the source.)
 */
export function findJsonFault(text: string): JsonFault | null {
  /** Open objects, by the names they have, and open arrays (null). */
  const open: (Set<string> | null)[] = []
  let state: State = 'value'
  let at = 0

  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0] ?? ''
  }
  const afterValue = (): State => {
    const inside = open.at(-1)
    if (inside === undefined) return 'end'
    return inside === null ? 'nextItem' : 'nextField'
  }
  const close = (): State => {
    open.pop()
    return afterValue()
  }
  const into = (names: Set<string> | null): State => {
    open.push(names)
    return names === null ? 'firstItem' : 'firstName'
  }

  for (;;) {
    at += take(BLANKS).length
    if (at >= text.length) return state === 'end' ? null : faultAt(text, at, whatAtEnd(state))
    const token = take(MARK) || take(STRING) || take(SCALAR)
    if (token.startsWith('"') && (state === 'name' || state === 'firstName')) {
      const name = JSON.parse(token) as string
      if (open.at(-1)?.has(name)) return faultAt(text, at, 'this name stands here for the second time')
      open.at(-1)?.add(name)
    }
    const next = follow(state, token, { afterValue, close, into })
    if (next === null) return faultAt(text, at, whatIsWrong(text.slice(at), state))
    state = next
    at += token.length
  }
}

interface Moves {
  readonly afterValue: () => State
  readonly close: () => State
  readonly into: (names: Set<string> | null) => State
}

/** The state behind a token; null when it may not stand here. */
function follow(state: State, token: string, { afterValue, close, into }: Moves): State | null {
  switch (state) {
    case 'value':
    case 'firstItem':
      if (token === '{') return into(new Set())
      if (token === '[') return into(null)
      if (token === ']') return state === 'firstItem' ? close() : null
      return token === '' || '}:,'.includes(token) ? null : afterValue()
    case 'firstName':
    case 'name':
      if (token === '}') return state === 'firstName' ? close() : null
      return token.startsWith('"') ? 'colon' : null
    case 'colon':
      return token === ':' ? 'value' : null
    case 'nextItem':
      if (token === ']') return close()
      return token === ',' ? 'value' : null
    case 'nextField':
      if (token === '}') return close()
      return token === ',' ? 'name' : null
    case 'end':
      return null
  }
}

function whatAtEnd(state: State): string {
  return `the file ends, and ${EXPECTED[state]} is missing`
}

function whatIsWrong(rest: string, state: State): string {
  if (/^(?:\/[/*]|#)/.test(rest)) return 'JSON has no comments'
  if (rest.startsWith("'")) return "texts stand in double quotes, not in '"
  if (state === 'name' && rest.startsWith('}')) return 'no comma may stand before this "}"'
  if (state === 'value' && rest.startsWith(']')) return 'no comma may stand before this "]"'
  if (rest.startsWith('"') && state !== 'end' && !state.startsWith('next') && state !== 'colon') {
    return 'a text begins here that does not end on its line, or has a "\\" that should be "\\\\"'
  }
  return `expected ${EXPECTED[state]} here`
}

function faultAt(text: string, at: number, what: string): JsonFault {
  const before = text.slice(0, at).split('\n')
  return { line: before.length, column: (before.at(-1) ?? '').length + 1, what }
}
