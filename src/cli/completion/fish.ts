import type { CommandWords, ValueKind } from './words.js'

/** A fish script: one `complete` for each command, option and value. */
export function fishScript(all: readonly CommandWords[]): string {
  return `# conduit-batch completion for fish; made by: conduit-batch completion fish
function __conduit_batch_batches
    set -l dir .conduit-batch
    set -q CONDUIT_BATCH_DATA_DIR; and set dir $CONDUIT_BATCH_DATA_DIR
    command ls $dir/batches 2>/dev/null | string match 'b*'
    set -l manifests $dir/batches/b*/batch.json
    test (count $manifests) -gt 0; and command sed -n 's/^  "name": "\\(.*\\)",$/\\1/p' $manifests
end

complete -c conduit-batch -f
${all.flatMap(commandLines).join('\n')}
`
}

function commandLines(words: CommandWords): string[] {
  const { commands, options, values } = words
  const when = condition(words)
  return [
    ...commands.map(({ name, description }) => line(when, `-a ${quoted(name)} -d ${quoted(description)}`)),
    ...options.map(({ flags, description, value }) => {
      const names = flags.map((flag) =>
        flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
      )
      const takes = value === null ? '' : ` -r${action(value)}`
      return line(when, `${names.join(' ')}${takes} -d ${quoted(description)}`)
    }),
    ...values.flatMap((value) => (value === 'none' ? [] : [line(when, action(value).trim())])),
  ]
}

function line(when: string, rest: string): string {
  return `complete -c conduit-batch -n ${quoted(when)} ${rest}`
}

/** All words of the path were typed; and none of the commands that may follow them. */
function condition({ path, commands }: CommandWords): string {
  const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`)
  const open =
    commands.length === 0
      ? []
      : [`not __fish_seen_subcommand_from ${commands.map(({ name }) => name).join(' ')}`]
  return [...seen, ...open].join('; and ')
}

function action(value: ValueKind): string {
  if (typeof value === 'object') return ` -a ${quoted(value.oneOf.join(' '))}`
  switch (value) {
    case 'file':
      return ' -F'
    case 'directory':
      return " -a '(__fish_complete_directories)'"
    case 'batch':
      return " -a '(__conduit_batch_batches)'"
    case 'none':
      return ''
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
