import { z } from 'zod'
import type { Problem } from './between-fields.js'
import { fileSchema } from './file-schema.js'
import { knownNames } from './nearest.js'

/** Fields that people expect, with what to write instead. Names as in `plain`. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  apikey:
    'has no place in this file, which gets copied and committed. Write "apiKeyEnv": "SOME_NAME" and put the key in ' +
    'that variable, or "apiKeyFile": "some/file" and put it there',
  token: 'has no place in this file, which gets copied and committed. Put it in CONDUIT_BATCH_TOKEN',
}

/** What zod found, in our words; several unknown fields of one object are several problems. */
export function problemsOf(error: z.ZodError): Problem[] {
  return error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, text: issue.message }]
    const known = fieldNamesAt(fileSchema, issue.path)
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

/** The names that the object at a place of the file may have. */
function fieldNamesAt(schema: unknown, path: readonly PropertyKey[]): string[] {
  const [first, ...rest] = path
  if (schema instanceof z.ZodOptional) return fieldNamesAt(schema.unwrap(), path)
  if (schema instanceof z.ZodRecord) return fieldNamesAt(schema.valueType, rest)
  if (!(schema instanceof z.ZodObject)) return []
  return first === undefined ? Object.keys(schema.shape) : fieldNamesAt(schema.shape[String(first)], rest)
}

/** `queues.nightly.limits`; a name that is no plain word is quoted, and harmless on a terminal. */
export function placeInWords(path: readonly PropertyKey[]): string {
  return path.map((part) => (/^[$\w-]+$/.test(String(part)) ? String(part) : JSON.stringify(part))).join('.')
}
