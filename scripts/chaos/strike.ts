/** What is done to a target; each kind of target knows some of them. */
export type Blow =
  /** kill -9; started again after a while. */
  | 'kill'
  /** SIGTERM; started again a while after it has ended. */
  | 'terminate'
  /** SIGSTOP, and SIGCONT after a while: what it believed may not be true any more. */
  | 'freeze'
  /** Every connection is cut, and new ones are refused for a while. */
  | 'cut'
  /** Nothing gets through for a while, in either direction; then all of it does. */
  | 'stall'
  /** The connections that are open stay open, and nothing comes through them ever again. */
  | 'half_open'
  /** The disk is filled to the last byte, and freed after a while. */
  | 'fill'
  /** The account is empty; after a while it is topped up, and somebody types `resume`. */
  | 'empty'

export type TargetKind = 'process' | 'redis' | 'link' | 'disk' | 'account'

/** Something that can be struck. `group`: the kind of victim, each of which has its turn. */
export interface Target {
  readonly kind: TargetKind
  readonly name: string
  readonly group: string
}

/** One blow, in milliseconds since the start of the schedule. */
export interface Strike {
  readonly atMs: number
  readonly forMs: number
  readonly target: Target
  readonly blow: Blow
}

export const BLOWS: Readonly<Record<TargetKind, readonly Blow[]>> = {
  process: ['kill', 'terminate', 'freeze'],
  redis: ['kill', 'freeze', 'terminate'],
  link: ['cut', 'stall', 'half_open'],
  disk: ['fill'],
  account: ['empty'],
}

/** How long a blow lasts, at least and at most. */
export const LENGTHS_MS: Readonly<Record<Blow, readonly [number, number]>> = {
  kill: [200, 2500],
  terminate: [200, 1500],
  freeze: [1000, 4500],
  cut: [200, 2000],
  stall: [1000, 4000],
  half_open: [0, 0],
  fill: [1500, 4000],
  empty: [1000, 3000],
}

const WORDS: Readonly<Record<Blow, string>> = {
  kill: 'kill -9, back after',
  terminate: 'SIGTERM, back after',
  freeze: 'SIGSTOP, SIGCONT after',
  cut: 'cut, for',
  stall: 'stalled, for',
  half_open: 'half open',
  fill: 'full, for',
  empty: 'empty, for',
}

/** A line about a strike, as it is printed before it is carried out. */
export function strikeWords({ atMs, forMs, target, blow }: Strike): string {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
  const long = forMs === 0 ? '' : ` ${seconds(forMs)}`
  return `${seconds(atMs).padStart(7)}  ${target.name.padEnd(20)} ${WORDS[blow]}${long}`
}
