import { type Figure, type Result, resultsOf, type Target } from './figure.js'
import type { RunEnd } from './run.js'
import type { Scenario } from './scenario.js'

/** A scenario with what all its runs found. */
export interface Summary {
  readonly scenario: Pick<Scenario, 'name' | 'about'>
  readonly runs: number
  readonly results: readonly Result[]
  /** Why runs failed; a failed run misses every target. */
  readonly failures: readonly string[]
}

/** Puts the runs of a scenario together. */
export function summaryOf({ name, about }: Scenario, ends: readonly RunEnd[]): Summary {
  const figures = ends.flatMap((end) => (end.kind === 'measured' ? [end.figures] : []))
  const failures = ends.flatMap((end) => (end.kind === 'failed' ? [end.message] : []))
  return { scenario: { name, about }, runs: ends.length, results: resultsOf(figures), failures }
}

/** Whether no run failed and no figure missed its target. */
export function passed({ results, failures }: Summary): boolean {
  return failures.length === 0 && results.every(({ pass }) => pass !== false)
}

/** A table in Markdown: a line for each figure. */
export function markdownTable(summaries: readonly Summary[]): string {
  const head = [
    '| scenario | figure | measured | runs | target | |',
    '| --- | --- | ---: | --- | ---: | --- |',
  ]
  return `${[...head, ...summaries.flatMap(rowsOf)].join('\n')}\n`
}

function rowsOf({ scenario, results, failures }: Summary): string[] {
  const first = (index: number) => (index === 0 ? `**${scenario.name}** ${scenario.about}` : '')
  const rows = results.map((result, index) => {
    const runs = result.values.length === 1 ? '' : result.values.map((value) => numberOf(value)).join(' · ')
    const verdict = { true: 'met', false: '**missed**', null: '' }[String(result.pass)]
    return [first(index), result.name, measuredText(result), runs, targetText(result), verdict]
  })
  const failed = failures.map((message, index) => [
    first(rows.length + index),
    `a run failed: ${message.split('\n')[0]}`,
    '',
    '',
    '',
    '**failed**',
  ])
  return [...rows, ...failed].map((cells) => `| ${cells.join(' | ')} |`)
}

/** One run's figures in a line, for whoever watches. */
export function figuresLine(figures: readonly Figure[]): string {
  return figures.map((figure) => `${figure.name} ${measuredText(figure)}`).join(', ')
}

function measuredText({ value, unit }: Pick<Figure, 'value' | 'unit'>): string {
  return value === null ? 'never' : `${numberOf(value)}${unit === '' ? '' : ` ${unit}`}`
}

function targetText({ target, unit }: Result): string {
  if (target === undefined) return ''
  const [sign, limit] = boundOf(target)
  return `${sign} ${limit}${unit === '' ? '' : ` ${unit}`}`
}

function boundOf(target: Target): readonly [string, number] {
  return 'atMost' in target ? ['≤', target.atMost] : ['≥', target.atLeast]
}

/** Small numbers with three digits behind the point, larger ones with fewer: a target must not be rounded to. */
function numberOf(value: number | null): string {
  if (value === null) return 'never'
  if (Number.isInteger(value)) return String(value)
  return value.toFixed(value < 10 ? 3 : 1)
}
