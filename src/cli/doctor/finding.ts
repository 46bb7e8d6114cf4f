/** What a check found. `bad` is in the way of a batch, `warn` is not. */
export interface Finding {
  readonly check: string
  /** Whose key or balance it is, where there are several queues. */
  readonly queue?: string
  readonly level: 'ok' | 'warn' | 'bad'
  readonly text: string
}
