import type { ConduitCode } from './envelope.js'

export type KeyCheck =
  | { readonly kind: 'valid'; readonly key: string }
  | { readonly kind: 'refused'; readonly code: ConduitCode }

/** Whose request this is, by its Authorization header (Conduit: Authentication). */
export function checkKey(
  keys: { readonly apiKeys: readonly string[]; readonly expiredApiKeys: readonly string[] },
  authorization: string | undefined,
): KeyCheck {
  const key = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1]
  if (key === undefined) return { kind: 'refused', code: 'AUTH_UNAUTHORIZED' }
  if (keys.expiredApiKeys.includes(key)) return { kind: 'refused', code: 'API_KEY_EXPIRED' }
  if (!keys.apiKeys.includes(key)) return { kind: 'refused', code: 'API_KEY_INVALID' }
  return { kind: 'valid', key }
}
