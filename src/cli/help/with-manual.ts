import type { Command } from 'commander'
import type { Manual } from './manual.js'
import { renderManual } from './render.js'

const manuals = new WeakMap<Command, Manual>()

/** Gives a command its manual: `--help` and `help COMMAND` show it with the same sections as any other's. */
export function withManual(command: Command, manual: Manual): Command {
  manuals.set(command, manual)
  return command.configureHelp({ formatHelp: (of, helper) => renderManual(of, helper, manual) })
}

/** The manual of a command; undefined when it was given none. */
export function manualOf(command: Command): Manual | undefined {
  return manuals.get(command)
}
