import { createHash, timingSafeEqual } from 'node:crypto'

/** What a browser and a program are told to show. A browser asks its user for the first. */
export const CHALLENGES = ['Basic realm="conduit-batch", charset="UTF-8"', 'Bearer realm="conduit-batch"']

/**
 * Whether an `Authorization` header shows the token: as bearer, or as the password of basic auth, with any user.
 * Takes the same time whatever part of a wrong token is right.
 */
export function showsToken(header: string | undefined, token: string): boolean {
  const [, scheme = '', value = ''] = /^(bearer|basic) +(\S+)$/i.exec(header ?? '') ?? []
  return isSame(scheme.toLowerCase() === 'basic' ? passwordOf(value) : value, token)
}

/** RFC 7617: the user ends at the first colon. */
function passwordOf(base64: string): string {
  const pair = Buffer.from(base64, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  return colon === -1 ? '' : pair.slice(colon + 1)
}

/** The digests are of one length, as the comparison wants. */
function isSame(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
