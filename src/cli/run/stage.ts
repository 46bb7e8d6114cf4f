import type { Logger } from 'pino'
import { createAtRest } from '../../../workers/at-rest.js'
import type { DataDirectory } from '../../batches/data-directory.js'
import type { Manifest } from '../../batches/manifest.js'
import { outputNames } from '../../batches/output-names.js'
import { type Submitted, submit } from '../../batches/submit.js'
import { formatBytes } from '../text/format.js'
import type { BatchFlags } from './flags.js'
import type { LazyRedis } from './lazy-redis.js'
import { once } from './once.js'
import type { Screen } from './screen.js'

export interface StageContext {
  readonly directory: DataDirectory
  readonly screen: Screen
  readonly log: Logger
  /** For an edited file only: what it replaces must be at rest. */
  readonly redis: LazyRedis
}

/** Input → batch on disk, with its progress shown when it takes long. @throws what `submit` and Redis throw */
export function stage(
  input: string,
  name: string | null,
  flags: BatchFlags & { readonly refuseUnsendable?: boolean },
  { directory, screen, log, redis }: StageContext,
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
    refuseUnsendable: flags.refuseUnsendable === true,
    fresh: flags.fresh === true,
  }
  const onProgress = (_step: string, bytes: number, ofBytes: number) =>
    screen.passing(`checking ${input}: ${formatBytes(bytes)} of ${formatBytes(ofBytes)}`)
  const atRest = createAtRest({
    directory,
    openSession: redis.open,
    log,
    onWaiting: screen.passing,
    onTrouble: once(screen.notice),
  })
  return submit(directory, submission, onProgress, atRest)
}

/** How the command wants its batch treated. */
export function optionsOf(flags: BatchFlags): Manifest['options'] {
  return {
    concurrency: flags.concurrency,
    maxAttempts: flags.maxAttempts,
    timeoutMs: flags.timeout,
    backoffBaseMs: flags.backoffBase,
    backoffCapMs: flags.backoffCap,
    priority: flags.priority,
    ...(flags.completionWindow === undefined ? {} : { completionWindowMs: flags.completionWindow }),
    brake: flags.brake,
  }
}
