import type { CommandWords, ValueKind } from './words.js'

/** A zsh function for `_arguments`: commands, options with what they mean, choices, files and batches. */
export function zshScript(all: readonly CommandWords[]): string {
  return `#compdef conduit-batch
# conduit-batch completion for zsh; made by: conduit-batch completion zsh
_conduit_batch_batches() {
  local dir="\${CONDUIT_BATCH_DATA_DIR:-.conduit-batch}/batches"
  local -a ids manifests names
  ids=($dir/b*(N:t))
  manifests=($dir/b*/batch.json(N))
  (( $#manifests )) && names=(\${(f)"$(command sed -n 's/^  "name": "\\(.*\\)",$/\\1/p' $manifests)"})
  compadd -a ids names
}

${all.map(commandFunction).join('\n\n')}

if [ "$funcstack[1]" = "_conduit-batch" ]; then _conduit_batch "$@"; else compdef _conduit_batch conduit-batch; fi
`
}

function commandFunction({ path, commands, options, values }: CommandWords): string {
  const specs = options.map(({ flags, description, value }) => {
    const names = flags.length > 1 ? `'(${flags.join(' ')})'{${flags.join(',')}}` : `'${flags[0] ?? ''}`
    const open = flags.length > 1 ? "'" : ''
    return `${names}${open}[${escaped(description)}]${value === null ? '' : `:value:${action(value)}`}'`
  })
  const positional =
    commands.length > 0
      ? ["'1:command:->command'", "'*::argument:->rest'"]
      : values.map((value, at) => `'${at === values.length - 1 ? '*' : at + 1}:value:${action(value)}'`)
  return `${functionName(path)}() {
  local curcontext="$curcontext" state line
  _arguments -C \\
${[...specs, ...positional].map((spec) => `    ${spec}`).join(' \\\n')}
${commands.length === 0 ? '' : dispatch(path, commands)}}`
}

function dispatch(path: readonly string[], commands: CommandWords['commands']): string {
  const described = commands.map(({ name, description }) => `'${name}:${escaped(description)}'`).join(' ')
  const cases = commands.map(({ name }) => `        ${name}) ${functionName([...path, name])} ;;`)
  return `  case "$state" in
    command)
      local -a commands
      commands=(${described})
      _describe command commands ;;
    rest)
      case "$line[1]" in
${cases.join('\n')}
      esac ;;
  esac
`
}

function functionName(path: readonly string[]): string {
  return ['_conduit_batch', ...path].join('_').replaceAll('-', '_')
}

function action(value: ValueKind): string {
  if (typeof value === 'object') return `(${value.oneOf.join(' ')})`
  switch (value) {
    case 'file':
      return '_files'
    case 'directory':
      return '_files -/'
    case 'batch':
      return '_conduit_batch_batches'
    case 'none':
      return ' '
  }
}

function escaped(text: string): string {
  return text.replaceAll("'", "'\\''").replace(/[[\]:\\]/g, '\\$&')
}
