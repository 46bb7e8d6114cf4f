import type { Logger } from 'pino'
import { createAtRest } from '../../../workers/at-rest.js'
import type { DataDirectory } from '../../batches/data-directory.js'
import type { Manifest } from '../../batches/manifest.js'
import { outputNames } from '../../batches/output-names.js'
import type { Submission, SubmitProgress } from '../../batches/submission.js'
import { type Submitted, submit } from '../../batches/submit.js'
import type { Config } from '../../config.js'
import { formatBytes } from '../text/format.js'
import { doesBalanceTell } from './cost-told.js'
import type { BatchFlags } from './flags.js'
import type { LazyRedis } from './lazy-redis.js'
import { once } from './once.js'
import type { Screen } from './screen.js'

export interface StageContext {
  readonly config: Config
  readonly directory: DataDirectory
  readonly screen: Screen
  readonly log: Logger
  /** For an edited file only: what it replaces must be at rest. */
  readonly redis: LazyRedis
}

/** Input → batch on disk, with its progress shown when it takes long. @throws what `submit` and Redis throw */
export async function stage(
  input: string,
  name: string | null,
  flags: BatchFlags & { readonly refuseUnsendable?: boolean },
  { config, directory, screen, log, redis }: StageContext,
): Promise<Submitted> {
  const pricesNeeded = flags.maxCost !== undefined && !(await doesBalanceTell(config, flags.queue))
  const submission = { ...submissionOf(input, name, flags, config), pricesNeeded }
  const onProgress = showChecking(input, screen)
  const atRest = createAtRest({
    directory,
    openSession: redis.open,
    log,
    onWaiting: screen.passing,
    onTrouble: once(screen.notice),
  })
  return submit(directory, submission, onProgress, atRest)
}

/** What the command asks for. */
export function submissionOf(
  input: string,
  name: string | null,
  flags: BatchFlags & { readonly refuseUnsendable?: boolean },
  config: Pick<Config, 'prices'>,
): Submission {
  return {
    input,
    stdin: process.stdin,
    ...outputNames(input, flags.output),
    queue: flags.queue,
    name,
    model: flags.model ?? null,
    options: optionsOf(flags, config),
    strict: flags.strict === true,
    refuseUnsendable: flags.refuseUnsendable === true,
    fresh: flags.fresh === true,
  }
}

/** Shows how much of an input is read. */
export function showChecking(input: string, screen: Screen): SubmitProgress {
  return (_step, bytes, ofBytes) =>
    screen.passing(`checking ${input}: ${formatBytes(bytes)} of ${formatBytes(ofBytes)}`)
}

/** How the command wants its batch treated. */
export function optionsOf(flags: BatchFlags, { prices }: Pick<Config, 'prices'>): Manifest['options'] {
  return {
    concurrency: flags.concurrency,
    maxAttempts: flags.maxAttempts,
    timeoutMs: flags.timeout,
    backoffBaseMs: flags.backoffBase,
    backoffCapMs: flags.backoffCap,
    priority: flags.priority,
    ...(flags.completionWindow === undefined ? {} : { completionWindowMs: flags.completionWindow }),
    brake: flags.brake,
    ...(flags.maxRequests === undefined ? {} : { maxRequests: flags.maxRequests }),
    ...(flags.maxCost === undefined ? {} : { maxCostCents: flags.maxCost }),
    ...(Object.keys(prices).length === 0 ? {} : { prices }),
  }
}
