import { z } from 'zod'
import { fileSchema } from './file-schema.js'
import { knownNames } from './nearest.js'
import { fieldsOf, type Problem } from './raw-fields.js'

const IN_VARIABLE = 'has no place in this file, which gets copied and committed. Write'

/** Fields that people expect, with what to write instead. Names as in `plain`. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  apikey: `${IN_VARIABLE} "apiKeyEnv": "SOME_NAME" and put the key in that variable, or "apiKeyFile": "some/file" and put it there`,
  secret: `${IN_VARIABLE} "secretEnv": "SOME_NAME" and put the secret (whsec_…) in that variable, or "secretFile": "some/file"`,
  routingkey: `${IN_VARIABLE} "routingKeyEnv": "SOME_NAME" and put the key in that variable`,
  token: 'has no place in this file, which gets copied and committed. Put it in CONDUIT_BATCH_TOKEN',
}

/** What zod found, in our words; several unknown fields of one object are several problems. */
export function problemsOf(error: z.ZodError, file: unknown): Problem[] {
  return error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, text: issue.message }]
    const known = fieldNamesAt(fileSchema, file, issue.path)
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      text: ELSEWHERE[plain(key)] ?? `is not a setting; ${knownNames(key, known)}`,
    }))
  })
}

/** `api_key`, `APIKey` and `apiKey` mean the same. */
function plain(key: string): string {
  return key.toLowerCase().replace(/[^a-z]/g, '')
}

/** The names that the object at a place of the file may have; of a channel it depends on its type. */
function fieldNamesAt(schema: unknown, value: unknown, path: readonly PropertyKey[]): string[] {
  const [first, ...rest] = path
  if (schema instanceof z.ZodOptional) return fieldNamesAt(schema.unwrap(), value, path)
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const own = schema.options.find((option) => option instanceof z.ZodObject && isOfType(option, value))
    return fieldNamesAt(own, value, path)
  }
  const inner = first === undefined ? undefined : (value as Record<PropertyKey, unknown>)[first]
  if (schema instanceof z.ZodArray) return fieldNamesAt(schema.element, inner, rest)
  if (schema instanceof z.ZodRecord) return fieldNamesAt(schema.valueType, inner, rest)
  if (!(schema instanceof z.ZodObject)) return []
  return first === undefined
    ? Object.keys(schema.shape)
    : fieldNamesAt(schema.shape[String(first)], inner, rest)
}

function isOfType(option: z.ZodObject, value: unknown): boolean {
  return option.shape.type instanceof z.ZodLiteral && option.shape.type.value === fieldsOf(value).type
}

/** `queues.nightly.limits`; a name that is no plain word is quoted, and harmless on a terminal. */
export function placeInWords(path: readonly PropertyKey[]): string {
  return path.map((part) => (/^[$\w-]+$/.test(String(part)) ? String(part) : JSON.stringify(part))).join('.')
}
