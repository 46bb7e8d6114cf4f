import { createInterface } from 'node:readline/promises'

/** Nobody said yes. */
export class NotConfirmed extends Error {
  readonly code = 'not_confirmed'
}

/**
 * Asks on the terminal; only yes goes on.
 * @param without what it means that nobody said yes: `Nothing was removed`
 * @throws NotConfirmed, also where nobody can be asked
 */
export async function confirm(question: string, without: string): Promise<void> {
  if (!canAsk()) {
    throw new NotConfirmed(`${without}: there is no terminal to ask on. Say it with --yes.`)
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(answer.trim())) throw new NotConfirmed(`${without}.`)
  } finally {
    terminal.close()
  }
}

/** Whether somebody sits at a terminal. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}
