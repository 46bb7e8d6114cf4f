/** What the brake saw, as far as it is told to people. */
export interface BrakeSeen {
  readonly code: string
  readonly count: number
  readonly of: number
  readonly message: string
}

/** The command that lets a batch go on that the brake has stopped. */
export function resumeBatchCommand(batch: string): string {
  return `conduit-batch resume ${batch}`
}

/** Why the brake was pulled, without a full stop. */
export function brakeInWords({ code, count, of, message }: BrakeSeen): string {
  const example = message === '' ? '' : `; the last one: ${message}`
  return `${count} of its last ${of} requests failed with ${code}${example}`
}

/** What a person can do about it: sentences, with the exact commands. */
export function brakeAdvice(batch: string): string[] {
  return [
    'Is the mistake in the input? Correct the file and start the same command again: answers that are there are kept.',
    `Is it mended elsewhere, or are the failures what they should be? Then type: ${resumeBatchCommand(batch)}`,
    `To give the rest up: conduit-batch cancel ${batch}`,
  ]
}
