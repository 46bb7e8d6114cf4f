import { request } from 'undici'
import { ChannelFailed, errorName } from './failed.js'

/** What is posted where. */
export interface Post {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** JSON. */
  readonly body: string
}

const TIMEOUT_MS = 10_000

/**
 * Posts JSON. Any 2xx is delivered; redirects are not followed. A user and password in the URL are sent as Basic
 * authentication.
 * @throws ChannelFailed
 */
export async function post({ url, headers, body }: Post): Promise<void> {
  let status: number
  try {
    const response = await request(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'conduit-batch',
        ...basicAuthentication(new URL(url)),
        ...headers,
      },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    await response.body.dump()
    status = response.statusCode
  } catch (error) {
    const name = errorName(error)
    throw new ChannelFailed(
      name === 'TimeoutError' ? `no answer within ${TIMEOUT_MS / 1000} s` : `it can't be reached (${name})`,
    )
  }
  if (status < 200 || status > 299) throw new ChannelFailed(`it answered ${status}`)
}

/** undici leaves it out. */
function basicAuthentication({ username, password }: URL): Record<string, string> {
  if (username + password === '') return {}
  const pair = Buffer.from(`${decoded(username)}:${decoded(password)}`)
  return { authorization: `Basic ${pair.toString('base64')}` }
}

/** What is not percent-encoded as it should be is meant as it stands. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
