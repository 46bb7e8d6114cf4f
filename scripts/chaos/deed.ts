import type { Strike } from './strike.js'

/** A strike that was carried out. Times are milliseconds since the start of the schedule. */
export interface Deed {
  readonly strike: Strike
  readonly fromMs: number
  readonly toMs: number
}

/** What a process is, as far as the costs of striking it go. */
export interface Struck {
  readonly name: string
  readonly calls: boolean
  readonly far: boolean
}

/** A worker on another machine from which nothing is heard for so long may be taken for dead. */
const SILENT_MS = 4500
/** Shortly after one another, silences add up: a heartbeat may not get through in between. */
const TOGETHER_MS = 3000

/**
 * How many calls may have been paid twice, at most: those in flight in a process that was killed, or that had to leave
 * while it could not reach Redis, or that was out of reach on another machine for long. Nothing else may cost any.
 */
export function mostRepeats(deeds: readonly Deed[], posts: readonly Struck[], concurrency: number): number {
  const calling = posts.filter(({ calls }) => calls)
  return calling.reduce((sum, post) => sum + concurrency * deathsOf(post, deeds), 0)
}

function deathsOf({ name, far }: Struck, deeds: readonly Deed[]): number {
  const own = deeds.filter(({ strike }) => strike.target.name === name)
  const network = deeds.filter(({ strike }) => strike.target.name === `network of ${name}`)
  const redis = deeds.filter(({ strike }) => strike.target.kind === 'redis')
  const kills = own.filter(({ strike }) => strike.blow === 'kill').length
  const trouble = [...network, ...redis]
  const left = own.filter(
    (deed) => deed.strike.blow === 'terminate' && trouble.some((other) => meet(deed, other)),
  )
  return kills + left.length + (far ? silencesOf([...own, ...network]) : 0)
}

/** One that is half open is as good as silent until it is noticed. */
function silencesOf(deeds: readonly Deed[]): number {
  const silent = deeds.filter(({ strike }) => strike.blow !== 'kill' && strike.blow !== 'terminate')
  return silent.filter((deed) => {
    const near = silent.filter((other) => meet(deed, other))
    const length = near.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)
    return deed.strike.blow === 'half_open' || length >= SILENT_MS
  }).length
}

function meet(a: Deed, b: Deed): boolean {
  return a.fromMs <= b.toMs + TOGETHER_MS && b.fromMs <= a.toMs + TOGETHER_MS
}
