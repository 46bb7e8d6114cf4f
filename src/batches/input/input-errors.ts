/** The input is not there. */
export class InputNotFound extends Error {
  readonly code = 'input_not_found'

  constructor(input: string, options?: ErrorOptions) {
    super(`There is no file ${input}. Check the path`, options)
    this.name = 'InputNotFound'
  }
}

/** The input is there and can't be read: a directory, no permission, a broken gzip, a failing disk. */
export class InputUnreadable extends Error {
  readonly code = 'input_unreadable'

  constructor(input: string, reason: string, options?: ErrorOptions) {
    super(`Can't read ${input}: ${reason}`, options)
    this.name = 'InputUnreadable'
  }
}

/** The input holds no line that is not blank. */
export class InputEmpty extends Error {
  readonly code = 'input_empty'

  constructor(input: string) {
    super(`${input} is empty: it needs at least one request, one JSON object a line.`)
    this.name = 'InputEmpty'
  }
}

/** The input is no longer what it was when its batch began, so its lines can't be told to be the same requests. */
export class InputChanged extends Error {
  readonly code = 'input_changed'

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'InputChanged'
  }
}

/** `chunks.jsonl`, which staging wrote, is missing or damaged, or was written by a version that read lines otherwise. */
export class StagingDamaged extends Error {
  readonly code = 'staging_damaged'

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`${path} can't be used: ${reason}. Start the batch over with --fresh.`, options)
    this.name = 'StagingDamaged'
  }
}

/** The code of a failed system or zlib call (`ENOENT`, `Z_DATA_ERROR`), or null. */
export function errnoOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null
  return typeof error.code === 'string' && /^[EZ][A-Z0-9_]+$/.test(error.code) ? error.code : null
}
