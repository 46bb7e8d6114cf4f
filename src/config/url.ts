export const HTTP_URL = 'must be an http:// or https:// URL'

export function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol)
}

/** Why calls can't go there, or null: the key is sent apart, and each call adds its own path. */
export function apiUrlProblem(text: string): string | null {
  if (!isHttpUrl(text)) return HTTP_URL
  const { username, password, search, hash } = new URL(text)
  const isPlain = username + password + search + hash === ''
  return isPlain ? null : 'must be a URL without user, password, "?" and "#"'
}

export const SMTP_URL = 'must be an smtp:// or smtps:// URL'

export function isSmtpUrl(text: string): boolean {
  return (
    URL.canParse(text) &&
    ['smtp:', 'smtps:'].includes(new URL(text).protocol) &&
    new URL(text).hostname !== ''
  )
}
