import { basename, dirname, join, resolve } from 'node:path'

/** `-` reads stdin, which has no name to make one from. */
export class OutputNeeded extends Error {
  readonly code = 'output_needed'
}

export interface OutputNames {
  readonly output: string
  readonly errors: string
}

const INPUT_ENDINGS = /(\.(jsonl|ndjson|json|txt))?(\.gz)?$/i
const RESULTS_ENDING = /(\.results)?\.jsonl$/i

/**
 * Where answers and failures go, absolute: `prompts.jsonl` → `prompts.results.jsonl` and `prompts.errors.jsonl`;
 * `--output answers.jsonl` → `answers.jsonl` and `answers.errors.jsonl`.
 *
 * @throws OutputNeeded
 */
export function outputNames(input: string, output: string | undefined): OutputNames {
  if (output !== undefined) {
    const path = resolve(output)
    return { output: path, errors: `${path.replace(RESULTS_ENDING, '')}.errors.jsonl` }
  }
  if (input === '-')
    throw new OutputNeeded('stdin has no name to make one from: say where answers go with --output')
  const path = resolve(input)
  const stem = join(dirname(path), basename(path).replace(INPUT_ENDINGS, ''))
  return { output: `${stem}.results.jsonl`, errors: `${stem}.errors.jsonl` }
}
