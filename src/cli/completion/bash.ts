import type { CommandWords, OptionWords, ValueKind } from './words.js'

/**
 * A bash script (4 or newer, also 3.2) that completes commands, options, choices, files, and the ids and names of
 * batches: those stand in the data directory, so that asking costs no process of ours.
 */
export function bashScript(all: readonly CommandWords[]): string {
  return `# conduit-batch completion for bash; made by: conduit-batch completion bash
_conduit_batch_batches() {
  local dir="\${CONDUIT_BATCH_DATA_DIR:-.conduit-batch}/batches"
  [ -d "$dir" ] || return
  command ls "$dir" 2>/dev/null | command grep '^b'
  command sed -n 's/^  "name": "\\(.*\\)",$/\\1/p' "$dir"/b*/batch.json 2>/dev/null
}

_conduit_batch() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" path="" word position=0 i skip=""
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [ -n "$skip" ]; then skip=""; continue; fi
    case "$path $word" in
${all.flatMap(({ path }) => (path.length === 0 ? [] : [`      ${quoted(` ${path.join(' ')}`)}) path=${quoted(` ${path.join(' ')}`)} ;;`])).join('\n')}
      *) case "$path:$word" in
${valueFlags(all)}
        *:-*) ;;
        *) position=$((position + 1)) ;;
      esac ;;
    esac
  done

  case "$path:$prev" in
${all.flatMap(optionCases).join('\n')}
  esac

  case "$path" in
${all.map(commandCase).join('\n')}
  esac
}

complete -o bashdefault -F _conduit_batch conduit-batch
`
}

/** Options whose value is the next word: it is no argument. */
function valueFlags(all: readonly CommandWords[]): string {
  return all
    .flatMap(({ path, options }) => {
      const flags = options.filter(({ value }) => value !== null).flatMap(({ flags: each }) => each)
      return flags.length === 0 ? [] : [`        ${patterns(path, flags)}) skip=1 ;;`]
    })
    .join('\n')
}

function optionCases({ path, options }: CommandWords): string[] {
  return options.flatMap(({ flags, value }: OptionWords) =>
    value === null ? [] : [`    ${patterns(path, flags)}) ${reply(value)}; return ;;`],
  )
}

function commandCase({ path, commands, options, values }: CommandWords): string {
  const flags = options.flatMap(({ flags: each }) => each)
  const words = commands.map(({ name }) => name)
  const byPosition = values.map((value, at) => {
    const pattern = at === values.length - 1 ? '*' : String(at)
    return `        ${pattern}) ${reply(value)} ;;`
  })
  const rest =
    words.length > 0
      ? `COMPREPLY=($(compgen -W ${quoted(words.join(' '))} -- "$cur"))`
      : byPosition.length > 0
        ? `case "$position" in\n${byPosition.join('\n')}\n      esac`
        : ':'
  return `    ${quoted(pathText(path))})
      if [[ "$cur" == -* ]]; then
        COMPREPLY=($(compgen -W ${quoted(flags.join(' '))} -- "$cur"))
      else
        ${rest}
      fi ;;`
}

function reply(value: ValueKind): string {
  if (typeof value === 'object') return `COMPREPLY=($(compgen -W ${quoted(value.oneOf.join(' '))} -- "$cur"))`
  switch (value) {
    case 'file':
      return `local IFS=$'\\n'; compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur"))`
    case 'directory':
      return `local IFS=$'\\n'; compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$cur"))`
    case 'batch':
      return `COMPREPLY=($(compgen -W "$(_conduit_batch_batches)" -- "$cur"))`
    case 'none':
      return ':'
  }
}

function patterns(path: readonly string[], flags: readonly string[]): string {
  return flags.map((flag) => quoted(`${pathText(path)}:${flag}`)).join('|')
}

function pathText(path: readonly string[]): string {
  return path.length === 0 ? '' : ` ${path.join(' ')}`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
