import { Command } from 'commander'
import type { Manual } from '../help/manual.js'
import { withManual } from '../help/with-manual.js'

const MANUAL: Manual = {
  description: ['Shows what a command does, its options, examples, and exit codes; the same as its --help.'],
  examples: [{ type: 'conduit-batch help run' }, { type: 'conduit-batch help dead-letters list' }],
  seeAlso: ['--help'],
}

/** `conduit-batch help COMMAND`: its manual, also of a command within a command. */
export function helpCommand(program: () => Command): Command {
  const command = new Command('help')
    .description('show the manual of a command')
    .argument('[command...]', 'the command')
  return withManual(command, MANUAL).action((words: readonly string[]) => {
    let found = program()
    for (const word of words) {
      const next = found.commands.find((each) => each.name() === word)
      if (next === undefined) {
        return program().error(`error: unknown command '${words.join(' ')}'`, {
          code: 'commander.unknownCommand',
        })
      }
      found = next
    }
    found.outputHelp()
  })
}
