import type { DataDirectory } from '../../batches/data-directory.js'
import type { Manifest } from '../../batches/manifest.js'
import { outputNames } from '../../batches/output-names.js'
import { type Submitted, submit } from '../../batches/submit.js'
import { formatBytes } from '../text/format.js'
import type { BatchFlags } from './flags.js'
import type { Screen } from './screen.js'

/** Input → batch on disk, with its progress shown when it takes long. @throws what `submit` throws */
export function stage(
  input: string,
  name: string | null,
  flags: BatchFlags,
  directory: DataDirectory,
  screen: Screen,
): Promise<Submitted> {
  const submission = {
    input,
    stdin: process.stdin,
    ...outputNames(input, flags.output),
    queue: flags.queue,
    name,
    model: flags.model ?? null,
    options: optionsOf(flags),
    strict: flags.strict === true,
    fresh: flags.fresh === true,
  }
  return submit(directory, submission, (_step, bytes, ofBytes) =>
    screen.passing(`checking ${input}: ${formatBytes(bytes)} of ${formatBytes(ofBytes)}`),
  )
}

/** How the command wants its batch treated. */
export function optionsOf(flags: BatchFlags): Manifest['options'] {
  return {
    concurrency: flags.concurrency,
    maxAttempts: flags.maxAttempts,
    timeoutMs: flags.timeout,
    backoffBaseMs: flags.backoffBase,
    backoffCapMs: flags.backoffCap,
  }
}
