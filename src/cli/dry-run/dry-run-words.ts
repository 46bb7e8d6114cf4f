import type { DryRun } from '../../batches/dry-run.js'
import type { InputEstimate, ModelEstimate } from '../../credits/input-estimate.js'
import { inDollars } from '../../money.js'
import { formatCount, formatCounted, UNKNOWN } from '../text/format.js'
import { oneLine } from '../text/harmless.js'
import { short } from '../text/status.js'
import { type Column, table } from '../text/table.js'

/** What a dry run found. */
export interface DryRunView {
  readonly input: string
  readonly queue: string
  readonly found: DryRun
  readonly expected: InputEstimate
  /** Of the batch that the same command made before, requests that have ended; null: nobody knows. */
  readonly done: number | null
  readonly maxRequests: number | null
  readonly maxCostCents: number | null
}

const MOST_PROBLEMS = 5
const WIDEST_COLUMNS = 100

/** What a dry run tells people, in lines. */
export function dryRunWords(view: DryRunView, columns: number): string[] {
  const { found, expected } = view
  const rows = table(expected.models, COLUMNS, Math.min(columns, WIDEST_COLUMNS) - 2)
  return [
    ...opening(view),
    ...(expected.models.length === 0 ? [] : ['', ...rows.map((row) => `  ${row}`), '']),
    ...(expected.models.length === 0 ? [] : costSentences(expected)),
    ...budgetSentences(view),
    ...(found.inheritsFrom === null
      ? []
      : [
          `Answers of batch ${found.inheritsFrom} to requests that are unchanged would be kept, and not paid for again.`,
        ]),
    'Nothing was called, and nothing was kept of this look.',
  ]
}

function opening({ input, found: { staged, known }, done }: DryRunView): string[] {
  const { total, valid, rejected, firstProblems } = staged
  const name = input === '-' ? 'stdin' : oneLine(input)
  const shown = firstProblems.slice(0, MOST_PROBLEMS)
  const more = rejected - shown.length
  const ended = done === null ? '' : `: ${formatCount(done)} of ${formatCount(total)} are done`
  return [
    `${formatCounted(valid, 'request', 'requests')} of ${name} can be sent.`,
    ...(rejected === 0 ? [] : [`${formatCounted(rejected, 'line', 'lines')} can't be sent:`]),
    ...shown.map(({ line, message }) => `  line ${line}: ${oneLine(message)}`),
    ...(more > 0 ? [`  and ${formatCount(more)} more`] : []),
    ...(known === null
      ? []
      : [`Batch ${known.batch} was made of it before${ended}. The same command goes on with that.`]),
  ]
}

const COLUMNS: readonly Column<ModelEstimate>[] = [
  { heading: 'MODEL', align: 'left', dispensable: 0, text: ({ model }) => short(model) },
  { heading: 'REQUESTS', align: 'right', dispensable: 1, text: ({ requests }) => formatCount(requests) },
  {
    heading: 'TOKENS IN',
    align: 'right',
    dispensable: 0,
    text: ({ promptTokens }) => formatCount(promptTokens),
  },
  {
    heading: 'TOKENS OUT',
    align: 'right',
    dispensable: 0,
    text: ({ completionTokens: out }) => figure(out, formatCount),
  },
  { heading: 'COST', align: 'right', dispensable: 0, text: ({ costCents }) => figure(costCents, inDollars) },
  { heading: 'TOLD FROM', align: 'left', dispensable: 2, text: toldFrom },
]

function figure(value: number | null, inWords: (value: number) => string): string {
  return value === null ? UNKNOWN : `~${inWords(value)}`
}

function toldFrom({ promptBy, completionBy, costBy }: ModelEstimate): string {
  const input = promptBy === 'answers' ? 'earlier answers' : 'length'
  const output = completionBy === 'answers' ? 'earlier answers' : completionBy
  const parts = [input, ...(output === null || output === input ? [] : [output])]
  return [...parts, ...(costBy === null ? [] : [costBy === 'prices' ? 'prices' : 'the balance'])].join(', ')
}

function costSentences({ models, costCents, completionTokens }: InputEstimate): string[] {
  if (costCents !== null) {
    const atMost = models.some(({ completionBy }) => completionBy === 'max_tokens')
    const bound = atMost ? ', if answers are as long as max_tokens allows' : ''
    return [`About ${inDollars(costCents)} in all${bound}.`]
  }
  const unpriced = models.filter(({ costCents: cost }) => cost === null).map(({ model }) => oneLine(model))
  const why =
    completionTokens === null
      ? 'nobody knows how long answers will be: no answer was seen yet, and not every request has max_tokens'
      : 'the settings have no price for it, and none was learned yet'
  return [`What it will cost can't be told of ${unpriced.join(', ')}: ${why}.`]
}

function budgetSentences({ found: { staged }, expected, maxRequests, maxCostCents }: DryRunView): string[] {
  const requests =
    maxRequests === null || staged.valid <= maxRequests
      ? []
      : [
          `It would stop after ${formatCounted(maxRequests, 'request', 'requests')} (--max-requests), and ask.`,
        ]
  const { costCents } = expected
  const cost =
    maxCostCents === null || costCents === null || costCents <= maxCostCents
      ? []
      : [`It would stop at about ${inDollars(maxCostCents)} (--max-cost), and ask.`]
  return [...requests, ...cost]
}

/** What `--dry-run --json` prints. */
export function dryRunObject({ input, queue, found, expected, done }: DryRunView) {
  const { total, valid, rejected, rejectedByCode, firstProblems } = found.staged
  return {
    dryRun: true,
    input,
    queue,
    total,
    sendable: valid,
    rejected,
    rejectedByCode,
    firstProblems,
    batch: found.known?.batch ?? null,
    done,
    keepsAnswersOf: found.inheritsFrom,
    ...expected,
  }
}
