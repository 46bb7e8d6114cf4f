import { createRandom } from '../../src/simulator/random.js'
import type { EpisodeOptions } from './episode.js'
import type { Topology } from './topology.js'

const TOPOLOGIES: readonly Topology[] = ['apart', 'run', 'helped']

/** The episode of a seed: everything about it depends on nothing else. */
export function episodeOf(seed: number): Omit<EpisodeOptions, 'say' | 'keep'> {
  const random = createRandom(seed ^ 0xca7a)
  const topology = TOPOLOGIES[Math.floor(random() * TOPOLOGIES.length)] as Topology
  const concurrency = topology === 'apart' ? 8 : 12
  return {
    seed,
    topology,
    fsync: random() < 0.5 ? 'everysec' : 'always',
    requests: topology === 'helped' ? 1800 : 1200,
    concurrency,
    latencyMs: { min: 200, max: 900 },
    diskMebibytes: 12,
    strikesMs: 40_000,
    everyMs: 2000,
    patienceMs: 60_000,
  }
}
