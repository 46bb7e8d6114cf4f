import { Command } from 'commander'
import { addConfigurationOptions, type ConfigurationFlags } from '../common-options.js'
import { DEAD_LETTERS, DISCARD, EXPORT, IMPORT, LIST, RETRY, SHOW } from '../help/dead-letters.js'
import { withManual } from '../help/with-manual.js'
import { age, queueName, someText, wholeNumber } from '../option-values.js'

/** Which dead letters are meant: those that fit all that is given. */
export interface FilterFlags extends ConfigurationFlags {
  readonly queue?: string
  readonly batch?: string
  readonly code?: string
  readonly model?: string
  /** Milliseconds. */
  readonly olderThan?: number
  readonly json?: true
}

export interface ListLettersFlags extends FilterFlags {
  readonly ids?: true
  readonly limit: number
}

export interface DiscardFlags extends FilterFlags {
  readonly all?: true
  readonly dryRun?: true
  readonly yes?: true
}

export interface RetryFlags extends DiscardFlags {
  /** As they were typed: `body.model=gpt-5`. */
  readonly set?: readonly string[]
}

export interface ExportFlags extends FilterFlags {
  readonly output?: string
  readonly force?: true
}

export interface ImportFlags extends ConfigurationFlags {
  readonly queue?: string
  readonly dryRun?: true
  readonly json?: true
}

export interface ShowLetterFlags extends ConfigurationFlags {
  readonly json?: true
}

const DEFAULT_LIMIT = 50
const JSON_FLAG = ['--json', 'print one JSON object on stdout'] as const
export const SET = '--set <field=value>'
export const SET_WORDS = 'change this in each request, such as body.model=gpt-5; may be given again'

/** `conduit-batch dead-letters`: requests that failed for good, and what is to become of them. */
export function deadLettersCommand(): Command {
  const command = new Command('dead-letters')
    .description('find out what failed for good, mend it, and send it again')
    .helpCommand(false)
    .addCommand(list())
    .addCommand(show())
    .addCommand(retry())
    .addCommand(discard())
    .addCommand(exporting())
    .addCommand(importing())
  return withManual(command, DEAD_LETTERS)
}

function list(): Command {
  const command = new Command('list')
    .description('what failed, by code and message; the most frequent first')
    .option('--ids', 'each by itself, the oldest first')
    .option('--limit <n>', 'how many lines at most', wholeNumber(1), DEFAULT_LIMIT)
  return filterOptions(withManual(command, LIST))
    .option(...JSON_FLAG)
    .action(async (flags: ListLettersFlags) => {
      const { listLetters } = await import('../dead-letters/list.js')
      await listLetters(flags)
    })
}

function show(): Command {
  const command = new Command('show')
    .description('all that is known of one: the request, what Conduit said, what to do about it')
    .argument('<id>', 'its id, as list --ids shows it')
  return addConfigurationOptions(withManual(command, SHOW))
    .option(...JSON_FLAG)
    .action(async (id: string, flags: ShowLetterFlags) => {
      const { showLetter } = await import('../dead-letters/show.js')
      await showLetter(id, flags)
    })
}

function retry(): Command {
  const command = new Command('retry')
    .description('send them again; the answers land in the files of their batches')
    .argument('[ids...]', 'these')
    .option('--all', 'every one (of the queue, with --queue)')
    .option(SET, SET_WORDS, collect)
  return changeOptions(filterOptions(withManual(command, RETRY))).action(
    async (ids: string[], flags: RetryFlags) => {
      const { retryLetters } = await import('../dead-letters/retry.js')
      process.exitCode = await retryLetters(ids, flags)
    },
  )
}

function discard(): Command {
  const command = new Command('discard')
    .description('drop them; their requests stay failed in the files of their batches')
    .argument('[ids...]', 'these')
    .option('--all', 'every one (of the queue, with --queue)')
  return changeOptions(filterOptions(withManual(command, DISCARD))).action(
    async (ids: string[], flags: DiscardFlags) => {
      const { discardLetters } = await import('../dead-letters/discard.js')
      process.exitCode = await discardLetters(ids, flags)
    },
  )
}

function exporting(): Command {
  const command = new Command('export')
    .description('write them as JSON lines with their requests, to be mended and imported')
    .option('-o, --output <file>', 'to a file, at once and whole, instead of stdout', someText)
    .option('-f, --force', 'replace that file when it is there already')
  return filterOptions(withManual(command, EXPORT)).action(async (flags: ExportFlags) => {
    const { exportLetters } = await import('../dead-letters/export.js')
    await exportLetters(flags)
  })
}

function importing(): Command {
  const command = new Command('import')
    .description('send the requests of exported lines again, with the bodies that stand there now')
    .argument('<file>', 'lines as export writes them (id and body are enough), or - for stdin')
    .option('-q, --queue <name>', 'only dead letters of this queue', queueName)
    .option('--dry-run', 'only check the lines')
  return addConfigurationOptions(withManual(command, IMPORT))
    .option(...JSON_FLAG)
    .action(async (file: string, flags: ImportFlags) => {
      const { importLetters } = await import('../dead-letters/import.js')
      process.exitCode = await importLetters(file, flags)
    })
}

function filterOptions(command: Command): Command {
  command
    .option('-q, --queue <name>', 'only those of this queue', queueName)
    .option(
      '-b, --batch <batch>',
      'only those of this batch: its id, the beginning of it, or its name',
      someText,
    )
    .option('--code <code>', 'only those that died of this', someText)
    .option('--model <model>', 'only those that asked for this model', someText)
    .option('--older-than <age>', 'only those that died so long ago: 90m, 12h, 30d, 2w', age)
  return addConfigurationOptions(command)
}

/** What every command has that changes dead letters. */
export function changeOptions(command: Command): Command {
  return command
    .option('--dry-run', 'only say how many, and of what')
    .option('-y, --yes', 'do not ask')
    .option(...JSON_FLAG)
}

/** An option that may be given again. */
export function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text]
}
