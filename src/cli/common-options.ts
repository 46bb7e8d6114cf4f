import type { Command } from 'commander'
import { balancePoll, requestsPerMinute, someText } from './option-values.js'

/** The options of every command that reads the configuration; `loadConfig(undefined, flags)` takes them as they are. */
export interface ConfigurationFlags {
  readonly config?: string
  readonly dataDir?: string
}

/** Of every command that makes calls; `loadConfig` takes it too. */
export interface PaceFlags {
  readonly rpm?: number
}

/** Adds `--rpm`: the same words on every command that makes calls. */
export function addPaceOption(command: Command): Command {
  return command.option(
    '--rpm <n>',
    'requests a minute at most, for each queue (default: CONDUIT_BATCH_RPM, the settings, or what Conduit takes)',
    requestsPerMinute,
  )
}

/** Of every command that makes calls: when a pause ends by itself. `loadConfig` takes it too. */
export interface ResumeFlags {
  /** Milliseconds. */
  readonly balancePoll?: number
  /** False with `--no-auto-resume`. */
  readonly autoResume: boolean
}

/** Adds `--balance-poll` and `--no-auto-resume`: the same words on every command that makes calls. */
export function addResumeOptions(command: Command): Command {
  return command
    .option(
      '--balance-poll <seconds>',
      'how often the balance of the account is asked for, which is free (default: CONDUIT_BATCH_BALANCE_POLL_SECONDS, ' +
        'the settings, or 30)',
      balancePoll,
    )
    .option('--no-auto-resume', 'after a pause that Conduit has caused, wait until somebody types resume')
}

/** Adds `--config` and `--data-dir`: the same words on every command. */
export function addConfigurationOptions(command: Command): Command {
  return command
    .option(
      '--config <file>',
      'settings and queues (default: CONDUIT_BATCH_CONFIG or ./conduit-batch.config.json)',
      someText,
    )
    .option(
      '--data-dir <dir>',
      'where batches are kept (default: CONDUIT_BATCH_DATA_DIR or ./.conduit-batch)',
      someText,
    )
}
