import { createInterface } from 'node:readline/promises'

/** Nobody said yes. */
export class NotConfirmed extends Error {
  readonly code = 'not_confirmed'
}

/**
 * Asks on the terminal; only yes goes on.
 * @throws NotConfirmed, also where nobody can be asked
 */
export async function confirm(question: string): Promise<void> {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) {
    throw new NotConfirmed('Nothing was removed: there is no terminal to ask on. Say it with --yes.')
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(answer.trim())) throw new NotConfirmed('Nothing was removed.')
  } finally {
    terminal.close()
  }
}
