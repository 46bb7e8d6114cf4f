/** What a figure must be: at most, or at least. */
export type Target = { readonly atMost: number } | { readonly atLeast: number }

/** One thing that a run of a scenario found out. */
export interface Figure {
  readonly name: string
  /** null: it never came to that, which meets no target. */
  readonly value: number | null
  readonly unit: '' | '%' | 's' | '/s' | '×' | 'MB' | 'MB/s'
  readonly target?: Target
  /** What stands for several runs: their median, or the worst of them where one is one too many. */
  readonly of: 'median' | 'worst'
}

/** A figure over all runs. `pass` is null where there is no target. */
export interface Result extends Figure {
  readonly values: readonly (number | null)[]
  readonly pass: boolean | null
}

/** A figure whose median counts. */
export function figure(name: string, value: number | null, unit: Figure['unit'], target?: Target): Figure {
  return { name, value, unit, of: 'median', ...(target === undefined ? {} : { target }) }
}

/** A count that has to be zero in every run. */
export function none(name: string, value: number): Figure {
  return { name, value, unit: '', of: 'worst', target: { atMost: 0 } }
}

/** Puts the runs of one scenario together, figure by figure, in the order of the first run. */
export function resultsOf(runs: readonly (readonly Figure[])[]): Result[] {
  return (runs[0] ?? []).map((first) => {
    const values = runs.map((run) => run.find(({ name }) => name === first.name)?.value ?? null)
    const value = first.of === 'median' ? median(values, first.target) : worst(values)
    return { ...first, values, value, pass: first.target === undefined ? null : meets(value, first.target) }
  })
}

function meets(value: number | null, target: Target): boolean {
  if (value === null) return false
  return 'atMost' in target ? value <= target.atMost : value >= target.atLeast
}

/** The middle one, of two the worse. A run that never came to it is worse than any other. */
function median(values: readonly (number | null)[], target: Target | undefined): number | null {
  const sign = target !== undefined && 'atLeast' in target ? -1 : 1
  const badness = (value: number | null) => (value === null ? Number.POSITIVE_INFINITY : sign * value)
  const bestFirst = [...values].sort((a, b) => (badness(a) < badness(b) ? -1 : 1))
  return bestFirst[Math.floor(values.length / 2)] ?? null
}

function worst(values: readonly (number | null)[]): number | null {
  const reached = values.filter((value) => value !== null)
  return reached.length < values.length || reached.length === 0 ? null : Math.max(...reached)
}
