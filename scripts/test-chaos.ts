import { parseArgs } from 'node:util'
import { episodeOf } from './chaos/catalogue.js'
import { playEpisode } from './chaos/episode.js'

const HELP = `npm run test:chaos -- [--seed N] [--minutes M] [--episodes N]

  --seed N       the first episode; the next ones are N+1, N+2, … (default: from the clock)
  --minutes M    starts episodes for so long (10)
  --episodes N   ends after so many
  --keep         leaves logs and files of an episode with violations where they are

Real processes, real signals. An episode is a batch that is worked on while a schedule strikes processes, Redis, the
network, the disk and the account. The schedule depends on the seed alone and is printed, so that a failure replays:
npm run test:chaos -- --seed THAT --episodes 1 --keep
`

const say = (line: string): void => void process.stdout.write(`${line}\n`)

function options() {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    options: {
      seed: text,
      minutes: { ...text, default: '10' },
      episodes: text,
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const number = (name: string, value: string): number => {
    const read = Number(value)
    if (Number.isFinite(read) && read >= 0) return read
    throw new Error(`--${name} must be a number`)
  }
  return {
    help: values.help,
    keep: values.keep,
    seed: number('seed', values.seed ?? String(Math.floor(Date.now() / 1000) % 1_000_000)),
    minutes: number('minutes', values.minutes),
    episodes: values.episodes === undefined ? Number.POSITIVE_INFINITY : number('episodes', values.episodes),
  }
}

async function play(): Promise<boolean> {
  const { help, keep, seed, minutes, episodes } = options()
  if (help) {
    process.stdout.write(HELP)
    return true
  }
  const until = performance.now() + minutes * 60_000
  const failed: number[] = []
  let played = 0
  for (; played < episodes && (played === 0 || performance.now() < until); played++) {
    const end = await playEpisode({ ...episodeOf(seed + played), keep, say })
    const { violations, deeds, repeats, mostRepeats, incidents, openAtLast, seconds, kept } = end
    say(
      `seed ${seed + played}: ${deeds.length} strikes (${openAtLast} requests open at the last), ${incidents} incidents, ${repeats} calls paid twice (at most ` +
        `${mostRepeats}), ${seconds.toFixed(0)} s: ${violations.length === 0 ? 'sound' : 'VIOLATIONS'}`,
    )
    for (const violation of violations) say(`  ${violation}`)
    if (kept !== null) say(`  logs and files: ${kept}`)
    if (violations.length > 0) failed.push(seed + played)
  }
  say(
    `${played} episodes, ${failed.length} with violations${failed.length === 0 ? '' : `: seeds ${failed.join(', ')}`}`,
  )
  return failed.length === 0
}

process.exitCode = (await play()) ? 0 : 1
