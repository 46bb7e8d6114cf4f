import { resolve } from 'node:path'
import type { Manifest } from '../../batches/manifest.js'
import { outputNames } from '../../batches/output-names.js'
import { shellPath, shellWord } from './shell-word.js'
import { suggested } from './suggest.js'

/**
 * The command that goes on with a batch, to be typed in this working directory: the one that made it, or one with the
 * same content, output, queue and model.
 */
export function sameCommand(manifest: Manifest): string {
  const { input, output, queue, model } = manifest
  const { name, path, spooled } = input
  const isStdin = name === '-'
  // A name may be meant from another working directory.
  const file = isStdin || spooled || resolve(name) === path ? name : path
  const byDefault = isStdin ? null : outputNames(file, undefined).output
  const options = [
    ...(output === byDefault ? [] : ['--output', shellPath(output)]),
    ...(queue === 'default' ? [] : ['--queue', shellWord(queue)]),
    ...(model === null ? [] : ['--model', shellWord(model)]),
  ]
  const command = suggested(['conduit-batch submit', isStdin ? '-' : shellPath(file), ...options].join(' '))
  return isStdin ? `${command} < ${shellPath(path)}` : command
}

/**
 * How to go on with a batch.
 * @param here its files lie in this data directory: from another one the command would make a new batch
 */
export function goOnWords(manifest: Manifest, here: boolean): { text: string; command: string | null } {
  if (!here) {
    return {
      text: 'The same run or submit command goes on with it, in the data directory where it was submitted; no answer is called again.',
      command: null,
    }
  }
  const command = sameCommand(manifest)
  return { text: `Go on with it (no answer is called again): ${command}`, command }
}
