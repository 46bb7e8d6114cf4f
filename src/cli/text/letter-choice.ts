import { shellWord } from './shell-word.js'

/** Options that choose dead letters. */
export interface LetterChoice {
  readonly queue?: string
  readonly batch?: string
  readonly code?: string
  readonly model?: string
  /** Milliseconds. */
  readonly olderThan?: number
}

const SECOND_MS = 1000
const UNITS = [
  ['d', 86_400 * SECOND_MS],
  ['h', 3600 * SECOND_MS],
  ['m', 60 * SECOND_MS],
] as const

/** The options as they are typed; '' when nothing is chosen. */
export function choiceOptions({ queue, batch, code, model, olderThan }: LetterChoice): string {
  const words = [
    ...(queue === undefined ? [] : ['--queue', queue]),
    ...(batch === undefined ? [] : ['--batch', batch]),
    ...(code === undefined ? [] : ['--code', code]),
    ...(model === undefined ? [] : ['--model', model]),
    ...(olderThan === undefined ? [] : ['--older-than', ageWord(olderThan)]),
  ]
  return words.map(shellWord).join(' ')
}

/** As it is typed: `30d`. */
function ageWord(ageMs: number): string {
  for (const [unit, ms] of UNITS) if (ageMs % ms === 0) return `${ageMs / ms}${unit}`
  return `${ageMs / SECOND_MS}s`
}
