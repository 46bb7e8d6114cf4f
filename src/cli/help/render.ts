import type { Command, Help } from 'commander'
import { createPaint } from '../text/paint.js'
import { displayWidth, padTo } from '../text/width.js'
import { wrap } from '../text/wrap.js'
import { type Example, type Manual, PLAIN_EXIT, type Section } from './manual.js'

const INDENT = '  '
const WIDEST_COLUMNS = 100
const NARROWEST_COLUMNS = 40
const DEFAULT_COLUMNS = 80
/** Terms wider than this stand on a line of their own. */
const WIDEST_TERM = 28
const GAP = 2
/** commander takes the colours out where there are none. */
const paint = createPaint(true)

/** The help of a command in the sections of a manual page. */
export function renderManual(command: Command, helper: Help, manual: Manual): string {
  const columns = Math.max(NARROWEST_COLUMNS, Math.min(helper.helpWidth ?? DEFAULT_COLUMNS, WIDEST_COLUMNS))
  const room = columns - INDENT.length
  const terms = (entries: readonly (readonly [string, string])[]) => termLines(entries, room)
  const sections: Section[] = [
    { title: 'NAME', lines: wrap(`${nameOf(command)} - ${command.description()}`, room) },
    { title: 'SYNOPSIS', lines: [synopsis(command)] },
    { title: 'DESCRIPTION', lines: paragraphs(manual.description, room) },
    {
      title: 'COMMANDS',
      lines: terms(
        helper
          .visibleCommands(command)
          .map((each) => [helper.subcommandTerm(each), helper.subcommandDescription(each)]),
      ),
    },
    {
      title: 'ARGUMENTS',
      lines: terms(
        helper
          .visibleArguments(command)
          .map((each) => [helper.argumentTerm(each), helper.argumentDescription(each)]),
      ),
    },
    {
      title: 'OPTIONS',
      lines: terms(
        helper
          .visibleOptions(command)
          .map((each) => [helper.optionTerm(each), helper.optionDescription(each)]),
      ),
    },
    ...(manual.sections ?? []),
    { title: 'EXAMPLES', lines: exampleLines(manual.examples, room) },
    {
      title: 'EXIT STATUS',
      lines: terms((manual.exitStatus ?? PLAIN_EXIT).map(({ code, means }) => [String(code), means])),
    },
    {
      title: 'SEE ALSO',
      lines: wrap(manual.seeAlso.map((each) => `conduit-batch ${each}`).join(', '), room),
    },
  ]
  const shown = sections.filter(({ lines }) => lines.some((line) => line !== ''))
  return `${shown.map(sectionText).join('\n\n')}\n`
}

function sectionText({ title, lines }: Section): string {
  const indented = lines.map((line) => (line === '' ? '' : INDENT + line))
  return [paint('strong', title), ...indented].join('\n')
}

/** `conduit-batch dead-letters list`, as it is typed. */
export function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`
}

function synopsis(command: Command): string {
  const words = command.registeredArguments.map((each) => {
    const word = each.variadic ? `${each.name()}...` : each.name()
    return each.required ? `<${word}>` : `[${word}]`
  })
  const sub = command.commands.length > 0 ? ['<command>'] : []
  return [nameOf(command), ...sub, ...words, '[options]'].join(' ')
}

function paragraphs(texts: readonly string[], room: number): string[] {
  return texts.flatMap((text, index) => [...(index === 0 ? [] : ['']), ...wrap(text, room)])
}

function exampleLines(examples: readonly Example[], room: number): string[] {
  return examples.flatMap(({ type, for: what }) => [
    paint('command', type),
    ...(what === undefined ? [] : wrap(what, room - 2 * INDENT.length).map((line) => INDENT + INDENT + line)),
  ])
}

/** Terms in one column, what they mean in another. */
function termLines(entries: readonly (readonly [string, string])[], room: number): string[] {
  const widths = entries.map(([term]) => displayWidth(term)).filter((width) => width <= WIDEST_TERM)
  const column = Math.max(0, ...widths) + GAP
  return entries.flatMap(([term, meaning]) => {
    const lines = wrap(meaning, room - column)
    if (displayWidth(term) > column - GAP) return [term, ...lines.map((line) => ' '.repeat(column) + line)]
    return lines.map((line, index) => padTo(index === 0 ? term : '', column) + line)
  })
}
