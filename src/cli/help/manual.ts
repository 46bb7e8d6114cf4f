/** What the help of a command says beyond its arguments and options. */
export interface Manual {
  /** Paragraphs; the first sentence of all is the command's own description. */
  readonly description: readonly string[]
  /** Each a command as it is typed, and what it is for; never none. */
  readonly examples: readonly Example[]
  /** Further sections, their lines as they are. */
  readonly sections?: readonly Section[]
  readonly exitStatus?: readonly ExitStatus[]
  /** Other commands, without `conduit-batch`. */
  readonly seeAlso: readonly string[]
}

export interface Example {
  readonly type: string
  readonly for?: string
}

export interface Section {
  readonly title: string
  readonly lines: readonly string[]
}

export interface ExitStatus {
  readonly code: number
  readonly means: string
}

/** Of a command that only looks, or changes something at once. */
export const PLAIN_EXIT: readonly ExitStatus[] = [
  { code: 0, means: 'it is done' },
  { code: 1, means: 'usage, configuration, or an error that is told on stderr' },
]

/** Of a command that changes dead letters. */
export const LETTERS_EXIT: readonly ExitStatus[] = [
  { code: 0, means: 'all that was chosen is done, also when that was nothing' },
  { code: 1, means: 'usage, configuration, or an error that is told on stderr' },
  { code: 2, means: 'some were refused; it says which, and what to do' },
  { code: 130, means: 'interrupted; the same command goes on' },
]

/** Of a command that follows a batch to its end. */
export const BATCH_EXIT: readonly ExitStatus[] = [
  { code: 0, means: 'every request was answered' },
  { code: 1, means: 'usage, configuration or an unexpected error; the batch stopped' },
  { code: 2, means: 'finished with failures, or ended early: cancelled, expired, replaced' },
  { code: 3, means: 'paused (--exit-on-pause), braked or over budget: only a person can help' },
  { code: 130, means: 'interrupted' },
]
