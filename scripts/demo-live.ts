import { join } from 'node:path'
import { conduitBatch } from './demo-command.js'
import { prepareInput } from './demo-input.js'

/** What the live demo is run with. */
export interface LiveOptions {
  /** Kept from run to run, like the key prefix in `env`: the same command goes on where it stopped. */
  readonly directory: string
  readonly model: string
  readonly env: NodeJS.ProcessEnv
  readonly say: (...lines: string[]) => void
}

/** Runs the batch against the API that `env` names, and gives the exit code of `conduit-batch run`. */
export async function runLive({ directory, model, env, say }: LiveOptions): Promise<number> {
  const name = `packages-${model.replaceAll(/[^\w.-]/g, '-')}.jsonl`
  const input = await prepareInput(join(directory, name), model)
  say(
    `${input.total} requests go to Conduit with ${model}; they cost money.`,
    'Ctrl-C stops; the same command goes on from there.',
    '',
  )
  return conduitBatch(['run', input.path], env)
}
