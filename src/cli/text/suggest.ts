import { shellPath } from './shell-word.js'

/** Options of this command line that every command needs which is suggested by it. */
export interface PlaceOptions {
  readonly config?: string
  readonly dataDir?: string
}

let repeated = ''

/** Said once, before anything is suggested: where this command was told to look. */
export function repeatOptions({ config, dataDir }: PlaceOptions): void {
  repeated = [
    ...(config === undefined ? [] : [` --config ${shellPath(config)}`]),
    ...(dataDir === undefined ? [] : [` --data-dir ${shellPath(dataDir)}`]),
  ].join('')
}

/** A command to type next, with `--config` and `--data-dir` as they were typed for this one. */
export function suggested(command: string): string {
  return `${command}${repeated}`
}
