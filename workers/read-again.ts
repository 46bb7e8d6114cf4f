import type { Logger } from 'pino'
import type { KeyHolder, KeySource } from '../src/completions/key-holder.js'
import { type Config, InvalidConfig, UnknownQueue } from '../src/config.js'

/** Where the key of a queue comes from, read again whenever it is asked; null when the file of settings is wrong now. */
export function keySourceOf(config: Config, queue: string, log: Logger): () => KeySource | null {
  return () => {
    try {
      return config.keySource(queue)
    } catch (error) {
      if (!(error instanceof InvalidConfig || error instanceof UnknownQueue)) throw error
      log.warn({ queue, code: error.code, err: error.message }, 'settings.not_read_again')
      return null
    }
  }
}

/** What SIGHUP asks for: each key is looked for anew, where the settings say now. */
export async function readKeysAgain(holders: Iterable<KeyHolder>, log: Logger): Promise<void> {
  for (const holder of holders) {
    try {
      const isOther = await holder.readAgain()
      log.info({ key: holder.current().fingerprint, isOther }, 'key.read_again')
    } catch (error) {
      log.warn({ err: (error as Error).message }, 'settings.not_read_again')
    }
  }
}
