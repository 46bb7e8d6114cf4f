import type { Argument, Command, Option } from 'commander'
import { ROLES } from '../../../workers/role.js'
import { STATES } from '../commands/list.js'

/** What stands where a value is typed. */
export type ValueKind = 'file' | 'directory' | 'batch' | 'none' | { readonly oneOf: readonly string[] }

/** What can be typed after a command, as a shell has to know it. */
export interface CommandWords {
  /** Words after `conduit-batch`: none for the program itself, `dead-letters list` has two. */
  readonly path: readonly string[]
  readonly description: string
  readonly commands: readonly { readonly name: string; readonly description: string }[]
  readonly options: readonly OptionWords[]
  /** Of its arguments, in their order; the last one counts for all that follow. */
  readonly values: readonly ValueKind[]
}

export interface OptionWords {
  readonly flags: readonly string[]
  readonly description: string
  /** Null for one that takes no value. */
  readonly value: ValueKind | null
}

/** Every command of a program, the program first. */
export function completionWords(program: Command): CommandWords[] {
  const visit = (command: Command, path: readonly string[]): CommandWords[] => [
    wordsOf(command, path),
    ...visible(command).flatMap((each) => visit(each, [...path, each.name()])),
  ]
  return visit(program, [])
}

function wordsOf(command: Command, path: readonly string[]): CommandWords {
  return {
    path,
    description: command.description(),
    commands: visible(command).map((each) => ({ name: each.name(), description: each.description() })),
    options: [...command.options.filter(({ hidden }) => !hidden).map(optionWords), HELP],
    values: command.registeredArguments.map(argumentKind),
  }
}

function visible(command: Command): readonly Command[] {
  return command.createHelp().visibleCommands(command)
}

const HELP: OptionWords = { flags: ['-h', '--help'], description: 'display help for command', value: null }

function optionWords(option: Option): OptionWords {
  const takesValue = option.required || option.optional
  return {
    flags: [option.short, option.long].filter((flag) => flag !== undefined && flag !== null),
    description: option.description,
    value: takesValue ? kindOf(placeholder(option.flags), option.argChoices) : null,
  }
}

function placeholder(flags: string): string {
  return /[<[]([^>\].]+)/.exec(flags)?.[1] ?? ''
}

function argumentKind(argument: Argument): ValueKind {
  return kindOf(argument.name(), argument.argChoices)
}

const FILES = ['file', 'input', 'path']
const DIRECTORIES = ['dir', 'directory']

/** Values that are checked by a parser of their own, since several may be named with commas between. */
const LISTS: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['states', STATES],
  ['roles', ROLES],
])

/** What a value is, by its choices or by how the help calls it. */
function kindOf(name: string, choices: readonly string[] | undefined): ValueKind {
  const oneOf = choices ?? LISTS.get(name)
  if (oneOf !== undefined) return { oneOf }
  if (FILES.includes(name)) return 'file'
  if (DIRECTORIES.includes(name)) return 'directory'
  return name === 'batch' ? 'batch' : 'none'
}
