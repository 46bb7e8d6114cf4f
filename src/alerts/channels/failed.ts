/**
 * A channel did not take an alert. The message says why in a few words, without addresses, secrets, or what the other
 * side said: it is kept in Redis and shown.
 */
export class ChannelFailed extends Error {
  readonly code = 'channel_failed'
  /** Trying again would change nothing, or tell somebody twice. */
  readonly final: boolean
  constructor(why: string, { final = false } = {}) {
    super(why)
    this.final = final
  }
}

/** What an error of the system is called: `ECONNREFUSED`; nothing that it says beside that. */
export function errorName(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]*$/.test(code) ? code : name
}
