import { describe, expect, test } from 'vitest'
import { type EpisodeOptions, playEpisode } from '../../scripts/chaos/episode.js'

/** npm run test:chaos plays others, for as long as one likes. */
const SEED = 5

const SHORT = {
  seed: SEED,
  concurrency: 6,
  latencyMs: { min: 400, max: 1200 },
  diskMebibytes: 12,
  strikesMs: 22_000,
  everyMs: 1800,
  patienceMs: 45_000,
  keep: false,
} as const

type Differing = Pick<EpisodeOptions, 'topology' | 'fsync' | 'requests'>

// Both at once, since they mostly wait: a minute for the two of them.
describe.concurrent(`any plug is pulled (seed ${SEED})`, () => {
  test.each<[string, Differing]>([
    ['roles in processes of their own', { topology: 'apart', fsync: 'everysec', requests: 400 }],
    ['the same `run`, twice', { topology: 'run', fsync: 'always', requests: 250 }],
  ])(
    '%s: each request in one file, once',
    async (_, differing) => {
      const story: string[] = []
      const end = await playEpisode({ ...SHORT, ...differing, say: (line) => void story.push(line) })
      const told = [...story, ...end.violations].join('\n')
      for (const line of story.filter((one) => one.startsWith('Left out'))) process.stderr.write(`${line}\n`)
      expect(end.violations, told).toEqual([])
      expect(end.deeds.length, told).toBeGreaterThan(8)
      expect(end.openAtLast, told).toBeGreaterThan(10)
    },
    120_000,
  )
})
