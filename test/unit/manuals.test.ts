import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { nameOf } from '../../src/cli/help/render.js'
import { manualOf } from '../../src/cli/help/with-manual.js'
import { createProgram } from '../../src/cli/program.js'

function commandsOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(commandsOf)]
}

const program = createProgram('0.0.0')
const all = commandsOf(program).map((command) => [nameOf(command), command] as const)

/** The command that words after `conduit-batch` name; undefined when there is none. */
function commandOf(words: readonly string[]): Command | undefined {
  return words.reduce<Command | undefined>(
    (command, word) => command?.commands.find((each) => each.name() === word),
    program,
  )
}

/** Words of a command line that are commands, then its flags: `conduit-batch list --limit 10` → list, --limit. */
function typed(line: string): { readonly command: Command | undefined; readonly flags: readonly string[] }[] {
  return [...line.matchAll(/(?<![\w-])conduit-batch((?: [^|&;)]+)?)/g)].map(([, rest = '']) => {
    const words = rest.trim().split(/\s+/)
    let command: Command = program
    for (const word of words) {
      const next = command.commands.find((each) => each.name() === word)
      if (next === undefined) break
      command = next
    }
    return { command, flags: words.filter((word) => /^--?[a-z]/.test(word)) }
  })
}

describe.each(all)('%s', (name, command) => {
  it('has a description, an example of itself, and exit codes', () => {
    const manual = manualOf(command)
    expect(manual?.description.join('').length).toBeGreaterThan(20)
    expect(command.description()).toMatch(/^[a-z].*[^.]$/)
    expect(manual?.examples.some(({ type }) => type.includes(name))).toBe(true)
    expect(command.helpInformation()).toMatch(
      /^NAME\n[\s\S]*^SYNOPSIS\n[\s\S]*^EXAMPLES\n[\s\S]*^EXIT STATUS\n/m,
    )
  })

  it('gives examples of commands and options that there are', () => {
    for (const { type } of manualOf(command)?.examples ?? []) {
      for (const { command: of, flags } of typed(type)) {
        const known = of?.options.flatMap(({ short, long }) => [short, long]) ?? []
        expect([...known, '--help'], type).toEqual(expect.arrayContaining([...flags]))
      }
    }
  })

  it('refers to commands that there are', () => {
    for (const words of manualOf(command)?.seeAlso ?? []) {
      const path = words
        .split(' ')
        .filter((word) => !word.startsWith('-') && !['bash', 'help'].includes(word))
      expect(commandOf(path), words).toBeDefined()
    }
  })

  it('describes each argument and option', () => {
    for (const { description } of [...command.options, ...command.registeredArguments]) {
      expect(description).not.toBe('')
    }
  })
})

it('docs/commands.md is what the commands say (npx vitest run test/unit/manuals.test.ts -u writes it anew)', async () => {
  const pages = all.map(([name, command]) => {
    command.configureOutput({ getOutHelpWidth: () => 80 })
    return `## ${name}\n\n\`\`\`text\n${plain(command).trimEnd()}\n\`\`\`\n`
  })
  const intro =
    '# Commands\n\nWhat `conduit-batch help COMMAND` says of each. This page is written by a test, ' +
    '`npx vitest run test/unit/manuals.test.ts -u`.\n'
  await expect([intro, ...pages].join('\n')).toMatchFileSnapshot('../../docs/commands.md')
})

/** As it is printed where there are no colours. */
function plain(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: (part) => (text += part), getOutHasColors: () => false })
  command.outputHelp()
  return text
}
