import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Problem, problemsBetweenFields, variablesNamed } from './between-fields.js'
import { type FileSettings, fileSchema } from './file-schema.js'
import { findJsonFault } from './json-fault.js'
import { placeInWords, problemsOf } from './problem-words.js'

const DEFAULT_FILE = 'conduit-batch.config.json'

/** The file of settings, read and checked. */
export interface SettingsFile {
  /** As the user calls it; null: there is none. */
  readonly name: string | null
  /** What its paths are relative to. */
  readonly directory: string
  readonly settings: FileSettings
}

export interface FileReading {
  readonly file: SettingsFile
  /** Everything that is wrong with it; then `file` has no settings. */
  readonly problems: readonly string[]
  /** Environment variables that it names. */
  readonly variables: readonly string[]
}

/** Reads the file that was named, which must be there, or the one in the working directory, which may be. */
export function readSettingsFile(named: string | null): FileReading {
  const name = named ?? DEFAULT_FILE
  const directory = dirname(resolve(name))
  const nothing: FileReading = { file: { name, directory, settings: {} }, problems: [], variables: [] }
  let text: string
  try {
    text = readFileSync(name, 'utf8').replace(/^\uFEFF/, '')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && named === null) return { ...nothing, file: { ...nothing.file, name: null } }
    const why =
      code === 'ENOENT'
        ? 'is not there. Name a file that is with --config or CONDUIT_BATCH_CONFIG, or leave that out'
        : `can't be read: ${message}`
    return { ...nothing, problems: [`${name} ${why}`] }
  }
  const fault = findJsonFault(text)
  if (fault !== null) {
    const { line, column, what } = fault
    return { ...nothing, problems: [`${name} is not valid JSON: line ${line}, column ${column}: ${what}`] }
  }
  const raw: unknown = JSON.parse(text)
  const { settings, problems } = check(raw)
  return {
    file: { name, directory, settings },
    problems: problems.map((problem) => inWords(name, problem)),
    variables: variablesNamed(raw),
  }
}

function check(raw: unknown): { settings: FileSettings; problems: readonly Problem[] } {
  const parsed = fileSchema.safeParse(raw)
  const problems = [...(parsed.success ? [] : problemsOf(parsed.error, raw)), ...problemsBetweenFields(raw)]
  return { settings: parsed.data ?? {}, problems }
}

function inWords(name: string, { path, text }: Problem): string {
  return `${name}: ${path.length === 0 ? 'it' : placeInWords(path)} ${text}`
}
