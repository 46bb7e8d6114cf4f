import { readFile } from 'node:fs/promises'
import { type ApiKey, fingerprint, isSendable } from '../conduit/api-key.js'

/** No key, or one that can't be sent. */
export class ApiKeyMissing extends Error {
  readonly code = 'api_key_missing'
}

/** The API key in use. A key from a file is read again whenever somebody asks for it anew. */
export interface KeyHolder {
  current(): ApiKey
  /** The key for calls of this gate epoch: its source is read again for each epoch that is new here. */
  forEpoch(epoch: number): Promise<ApiKey>
  /** Reads the file again; true when the key is another one now. A file that can't be read changes nothing. */
  reload(): Promise<boolean>
}

/** Where the key comes from: one of the two. */
export interface KeySource {
  readonly apiKey: string | null
  readonly apiKeyFile: string | null
}

/**
 * @throws ApiKeyMissing when there is no key, its file can't be read, or it holds what no header can carry
 */
export async function createKeyHolder(source: KeySource): Promise<KeyHolder> {
  let key = await readKey(source)
  let readFor: { readonly epoch: number; readonly key: Promise<ApiKey> } | null = null

  async function reload(): Promise<ApiKey> {
    key = await readKey(source).catch((error: unknown) => {
      // Somebody is just writing it: the next look will tell.
      if (error instanceof ApiKeyMissing) return key
      throw error
    })
    return key
  }

  return {
    current: () => key,
    async forEpoch(epoch) {
      if (readFor?.epoch !== epoch) readFor = { epoch, key: reload() }
      await readFor.key
      return key
    },
    async reload() {
      const before = key.fingerprint
      return (await reload()).fingerprint !== before
    },
  }
}

async function readKey({ apiKey, apiKeyFile }: KeySource): Promise<ApiKey> {
  if (apiKey === null && apiKeyFile === null) {
    throw new ApiKeyMissing(
      'There is no Conduit API key. Type: export CONDUIT_API_KEY=…  (or name a file with CONDUIT_API_KEY_FILE)',
    )
  }
  const secret = apiKey ?? (await readKeyFile(apiKeyFile as string))
  if (!isSendable(secret)) {
    throw new ApiKeyMissing(
      apiKey === null
        ? `${apiKeyFile} holds no API key: it must be one line of visible ASCII`
        : 'CONDUIT_API_KEY is no API key: it must be visible ASCII without spaces',
    )
  }
  return { secret, fingerprint: fingerprint(secret) }
}

async function readKeyFile(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    throw new ApiKeyMissing(`CONDUIT_API_KEY_FILE can't be read: ${(error as Error).message}`)
  }
}
