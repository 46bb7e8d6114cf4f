import { Argument, Command } from 'commander'
import type { Manual } from '../help/manual.js'
import { withManual } from '../help/with-manual.js'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

const MANUAL: Manual = {
  description: [
    'Prints a script that teaches a shell the commands, options and values of this version. Ids and names of batches ' +
      'are completed from the data directory.',
  ],
  sections: [
    {
      title: 'INSTALLATION',
      lines: [
        'bash   conduit-batch completion bash > ~/.local/share/bash-completion/completions/conduit-batch',
        'zsh    conduit-batch completion zsh > ~/.zfunc/_conduit-batch     (with ~/.zfunc in $fpath)',
        'fish   conduit-batch completion fish > ~/.config/fish/completions/conduit-batch.fish',
      ],
    },
  ],
  examples: [
    { type: 'source <(conduit-batch completion bash)', for: 'for this shell only' },
    { type: 'conduit-batch completion fish | source' },
  ],
  seeAlso: ['help'],
}

/** `conduit-batch completion SHELL`: a script for the shell. */
export function completionCommand(program: () => Command): Command {
  const command = new Command('completion')
    .description('print a script that completes commands and options in your shell')
    .addArgument(new Argument('<shell>', 'your shell').choices(SHELLS))
  return withManual(command, MANUAL).action(async (shell: Shell) => {
    const [{ completionWords }, { bashScript }, { zshScript }, { fishScript }] = await Promise.all([
      import('../completion/words.js'),
      import('../completion/bash.js'),
      import('../completion/zsh.js'),
      import('../completion/fish.js'),
    ])
    const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const
    process.stdout.write(scripts[shell](completionWords(program())))
  })
}
