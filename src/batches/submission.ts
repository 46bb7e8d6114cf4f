import { createHash } from 'node:crypto'
import type { BatchOptions } from '../completions/request.js'
import type { LineProblem } from './input/line-problem.js'

/** What somebody asks for. Paths are absolute, but for `input` when it is `-`. */
export interface Submission {
  readonly input: string
  readonly stdin: AsyncIterable<Buffer>
  readonly output: string
  readonly errors: string
  readonly queue: string
  /** What the user calls the batch. */
  readonly name: string | null
  readonly model: string | null
  readonly options: BatchOptions
  /** Refuse the whole file when one line can't be sent. */
  readonly strict: boolean
  /** Refuse a file of which not one line can be sent; else it becomes a batch whose requests have all failed. */
  readonly refuseUnsendable?: boolean
  /** Refuse an input with a model that has no price: nobody could tell when a budget of money is used up. */
  readonly pricesNeeded?: boolean
  /** Start over, whatever there was. */
  readonly fresh: boolean
}

/** Answers can't be written there. */
export class OutputUnusable extends Error {
  readonly code = 'output_unusable'
}

/** `strict`: lines that can't be sent. Nothing was, or nothing more is by this command. */
export class BadLines extends Error {
  readonly code = 'bad_lines'
  readonly rejected: number
  /** One message a line, each naming it. */
  readonly problems: readonly string[]
  constructor(input: string, problems: readonly string[], consequence: string) {
    const rejected = problems.length
    super(
      `${rejected} ${rejected === 1 ? 'line' : 'lines'} of ${input} can't be sent, so ${consequence} (--strict)`,
    )
    this.rejected = rejected
    this.problems = problems
  }
}

/** No line of the input can be sent: nothing was registered. */
export class NothingSendable extends Error {
  readonly code = 'nothing_sendable'
  constructor(input: string, { line, code, message }: LineProblem) {
    const model = code === 'missing_model' ? ' Or name one for all lines that have none: --model MODEL' : ''
    super(
      `No line of ${input === '-' ? 'stdin' : input} can be sent, so no batch was made of it. Line ${line}: ${message}${model}`,
    )
  }
}

/** A budget of money, and models of which nobody can tell what they cost: nothing was registered. */
export class CostUnknown extends Error {
  readonly code = 'cost_unknown'
  constructor(models: readonly string[]) {
    const shown = models.slice(0, 5).map((model) => JSON.stringify(model))
    const named = `${shown.join(', ')}${models.length > shown.length ? ' and others' : ''}`
    super(
      `Nobody can tell what ${named} costs, so no budget of money can be kept. Put prices into the settings: ` +
        `"prices": {${shown[0]}: {"input": …, "output": …}}, dollars per million tokens. Or set a key and a billing URL ` +
        'that tell the balance; or use --max-requests.',
    )
  }
}

/** Told while a large input is read. */
export type SubmitProgress = (step: 'validating', bytes: number, ofBytes: number) => void

/** The same content, output, queue and model are the same batch. */
export function identityOf(digest: string, { output, queue, model }: Submission): string {
  return createHash('sha256')
    .update(JSON.stringify([digest, output, queue, model]))
    .digest('hex')
}
