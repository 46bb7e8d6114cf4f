/** What a check found. `bad` is in the way of a batch, `warn` is not. */
export interface Finding {
  readonly check: string
  readonly level: 'ok' | 'warn' | 'bad'
  readonly text: string
}
