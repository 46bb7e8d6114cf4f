import { readFile } from 'node:fs/promises'
import { type ApiKey, fingerprint, isSendable } from '../conduit/api-key.js'

/** No key, or one that can't be sent. */
export class ApiKeyMissing extends Error {
  readonly code = 'api_key_missing'
}

/**
 * The API key in use. A key from a file is read again whenever somebody asks for it anew; and once a minute then, where
 * it comes from is asked as well.
 */
export interface KeyHolder {
  current(): ApiKey
  /** The key for calls of this gate epoch: its source is read again for each epoch that is new here. */
  forEpoch(epoch: number): Promise<ApiKey>
  /** Reads the file again; true when the key is another one now. A file that can't be read changes nothing. */
  reload(): Promise<boolean>
  /** The same, and where it comes from is asked now, not only once a minute. */
  readAgain(): Promise<boolean>
}

/** Where a key is looked for, in the words of whoever sets it. */
export interface KeyNames {
  /** Whose key it is; null when all queues have the same. */
  readonly queue: string | null
  /** The variable that holds it. */
  readonly variable: string
  /** The setting that names a file with it instead. */
  readonly file: string
}

/** Where the key comes from: one of the two. */
export interface KeySource {
  readonly apiKey: string | null
  readonly apiKeyFile: string | null
  /** Without it: the variables of the environment. */
  readonly keyNames?: KeyNames
}

/** The settings are read again so often, while somebody asks for another key. */
const SOURCE_EVERY_MS = 60_000

const ENVIRONMENT: KeyNames = { queue: null, variable: 'CONDUIT_API_KEY', file: 'CONDUIT_API_KEY_FILE' }

/**
 * @param sourceNow where the key comes from now; null: that can't be told, so it is where it was
 * @param nowMs a clock that nobody sets
 * @throws ApiKeyMissing when there is no key, its file can't be read, or it holds what no header can carry
 */
export async function createKeyHolder(
  first: KeySource,
  sourceNow: () => KeySource | null = () => null,
  nowMs: () => number = () => performance.now(),
): Promise<KeyHolder> {
  let source = first
  let key = await readKey(source)
  let askedAt = nowMs()
  let readFor: { readonly epoch: number; readonly key: Promise<ApiKey> } | null = null

  async function reload(everyMs = SOURCE_EVERY_MS): Promise<ApiKey> {
    if (nowMs() - askedAt >= everyMs) {
      askedAt = nowMs()
      source = sourceNow() ?? source
    }
    key = await readKey(source).catch((error: unknown) => {
      // Somebody is just writing it: the next look will tell.
      if (error instanceof ApiKeyMissing) return key
      throw error
    })
    return key
  }

  async function isOther(everyMs?: number): Promise<boolean> {
    const before = key.fingerprint
    return (await reload(everyMs)).fingerprint !== before
  }

  return {
    current: () => key,
    async forEpoch(epoch) {
      if (readFor?.epoch !== epoch) readFor = { epoch, key: reload() }
      await readFor.key
      return key
    },
    reload: () => isOther(),
    readAgain: () => isOther(0),
  }
}

async function readKey({ apiKey, apiKeyFile, keyNames: names = ENVIRONMENT }: KeySource): Promise<ApiKey> {
  const secret = apiKey ?? (apiKeyFile === null ? null : await readKeyFile(apiKeyFile, names))
  const whose = names.queue === null ? '' : ` for queue ${names.queue}`
  if (secret === null) {
    throw new ApiKeyMissing(
      `There is no Conduit API key${whose}. Type: export ${names.variable}=…  (or name a file with ${names.file})`,
    )
  }
  if (!isSendable(secret)) {
    throw new ApiKeyMissing(
      apiKey === null
        ? `${apiKeyFile} holds no API key${whose}: it must be one line of visible ASCII`
        : `${names.variable} is no API key${whose}: it must be visible ASCII without spaces`,
    )
  }
  return { secret, fingerprint: fingerprint(secret) }
}

async function readKeyFile(path: string, names: KeyNames): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why =
      code === 'ENOENT'
        ? `names ${path}, which is not there. Write the key to that file, or name another one.`
        : `can't be read: ${message}`
    throw new ApiKeyMissing(`${names.file} ${why}`)
  }
}
