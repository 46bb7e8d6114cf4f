import type { LineProblem, LineProblemCode, ParsedLine } from './line-problem.js'

const FIRST_PROBLEMS = 20

/** `total` counts every line that is not blank: `valid` + `rejected`. */
export interface TallySum {
  readonly total: number
  readonly valid: number
  readonly rejected: number
  readonly rejectedByCode: Readonly<Partial<Record<LineProblemCode, number>>>
  /** The first 20; `readRejects` gives all. */
  readonly firstProblems: ReadonlyArray<LineProblem & { readonly customId: string | null }>
}

type Rejected = ParsedLine & { readonly ok: false }

/** Counts what the lines of an input turned out to be. */
export interface Tally {
  add(parsed: ParsedLine): void
  /** A line that was added as good is not. */
  refuse(rejected: Rejected): void
  sum(): TallySum
}

export function createTally(): Tally {
  const rejectedByCode: Partial<Record<LineProblemCode, number>> = {}
  const firstProblems: Array<LineProblem & { customId: string | null }> = []
  let total = 0
  let rejected = 0

  const refuse = ({ customId, problem }: Rejected) => {
    rejected += 1
    rejectedByCode[problem.code] = (rejectedByCode[problem.code] ?? 0) + 1
    const at = firstProblems.findIndex(({ line }) => line > problem.line)
    if (at === -1 && firstProblems.length === FIRST_PROBLEMS) return
    firstProblems.splice(at === -1 ? firstProblems.length : at, 0, { ...problem, customId })
    firstProblems.length = Math.min(firstProblems.length, FIRST_PROBLEMS)
  }

  return {
    add(parsed) {
      total += 1
      if (!parsed.ok) refuse(parsed)
    },
    refuse,
    sum: () => ({ total, valid: total - rejected, rejected, rejectedByCode, firstProblems }),
  }
}
