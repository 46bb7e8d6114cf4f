export function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol)
}

/** Where calls go: the key is sent apart, and each call adds its own path. */
export function isApiUrl(text: string): boolean {
  if (!isHttpUrl(text)) return false
  const { username, password, search, hash } = new URL(text)
  return username + password + search + hash === ''
}

export const API_URL = 'must be an http:// or https:// URL without user, password, "?" and "#"'
export const HTTP_URL = 'must be an http:// or https:// URL'
