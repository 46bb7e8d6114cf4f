/** Where alerts go, with everything that is needed to send them there: it holds secrets, so it is never shown or kept. */
export type ChannelSettings = ChannelName &
  (
    | { readonly type: 'webhook'; readonly url: string; readonly secret: string | null }
    | { readonly type: 'slack' | 'discord'; readonly url: string }
    | { readonly type: 'pagerduty'; readonly routingKey: string; readonly url: string }
    | EmailSettings
    | CommandSettings
  )

interface ChannelName {
  /** Unlike that of any other channel of the queue; 1 to 32 of a-z, 0-9 and "-". */
  readonly name: string
}

export interface EmailSettings {
  readonly type: 'email'
  /** `smtp://` or `smtps://`, with user and password where the server wants them. */
  readonly smtpUrl: string
  readonly from: string
  readonly to: readonly string[]
}

export interface CommandSettings {
  readonly type: 'command'
  /** Program and arguments; no shell reads them. */
  readonly command: readonly string[]
  readonly directory: string
  /** What the program gets of our environment: no secret of ours. */
  readonly environment: Readonly<Record<string, string>>
}

/** Who is told about one queue, and how often. */
export interface AlertSettings {
  /** None: alerts go to the log (and the terminal) only. */
  readonly channels: readonly ChannelSettings[]
  /** When an incident that is still open is told of again, each after the one before; the last repeats. None: never. */
  readonly remindersMs: readonly number[]
}

const HOUR_MS = 3_600_000

/** After 1 h, 4 h, then daily. */
export const DEFAULT_REMINDERS_MS: readonly number[] = [HOUR_MS, 4 * HOUR_MS, 24 * HOUR_MS]

export const CHANNEL_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/
/** That in words. */
export const CHANNEL_NAME_RULE =
  'must be 1 to 32 of a-z, 0-9 and "-", starting with a letter or a digit, and not "log"'
/** The log is told of everything, as if it were a channel; no other may be called so. */
export const LOG = 'log'
