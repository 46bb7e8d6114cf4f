/** Settings that are wrong: all of them together, each with its name. */
export class InvalidConfig extends Error {
  readonly code = 'invalid_config'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(
      problems.length === 1
        ? (problems[0] ?? '')
        : `these settings are wrong:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    )
    this.problems = problems
  }
}

/** The file of settings has queues, and this is none of them. */
export class UnknownQueue extends Error {
  readonly code = 'unknown_queue'
  constructor(queue: string, known: readonly string[], file: string) {
    super(
      `There is no queue ${JSON.stringify(queue)} in ${file}; there ${known.length === 1 ? 'is' : 'are'}: ` +
        `${known.join(', ')}. Name one of these, or add ${JSON.stringify(queue)}: {} to "queues" there.`,
    )
  }
}
