import type { Manifest } from '../../batches/manifest.js'
import { oneLine } from './harmless.js'

/** `was replaced by batch b82926d785cbb (nightly), made of prompts.jsonl` */
export function replacedWords({ batch, name, input }: Manifest): string {
  const called = name === null ? '' : ` (${oneLine(name)})`
  return `was replaced by batch ${batch}${called}, made of ${input.name === '-' ? 'stdin' : oneLine(input.name)}`
}
