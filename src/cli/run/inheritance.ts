import type { Manifest } from '../../batches/manifest.js'
import { formatCount } from '../text/format.js'
import { suggested } from '../text/suggest.js'

/** What a batch has from the one whose edited file it is, in a sentence or two. */
export function inheritanceWords(
  { batch, total }: Pick<Manifest, 'batch' | 'total'>,
  { batch: from, kept, keptFailed }: NonNullable<Manifest['inherits']>,
): string {
  const left = total - kept - keptFailed
  const rest = `${formatCount(left)} ${left === 1 ? 'request is' : 'requests are'} new, different or without an answer yet.`
  const answers = `${formatCount(kept)} of ${formatCount(total)} answers are kept from batch ${from}; ${rest}`
  if (keptFailed === 0) return answers
  const failures = keptFailed === 1 ? '1 failure is' : `${formatCount(keptFailed)} failures are`
  return `${answers} ${failures} unchanged too and kept: ${suggested(`conduit-batch retry-failed ${batch}`)} calls ${keptFailed === 1 ? 'it' : 'them'} again.`
}
