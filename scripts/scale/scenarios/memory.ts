import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { connectRedis } from '../../../src/redis/connect.js'
import { type Figure, figure, none, type Target } from '../../pace/figure.js'
import { createPlace, type Place } from '../../pace/place.js'
import type { SimulatorProcess } from '../../pace/simulator.js'
import { writePromptsFile } from '../prompts-file.js'
import type { ScaleOptions, ScaleScenario } from '../scenario.js'
import { verifyOutput } from '../verify-output.js'
import { type MemoryPeaks, redisMemory, watchMemory } from '../watch-memory.js'

const LINE_BYTES = 1024
const MB = 1e6
const TELL_MS = 10_000
const MOST_REDIS_MB = 64
const MOST_RSS_MB = 250
/** Of the smallest size, however large the batch. */
const MOST_GROWTH = 1.2
const LATENCY_MS = { min: 20, max: 60 }

/** Runs one size after the other, each in a place of its own, and compares the larger ones with the smallest. */
async function memory(options: ScaleOptions, found: (figures: readonly Figure[]) => void): Promise<void> {
  let smallest: MemoryPeaks | null = null
  for (const requests of options.requests) {
    if (options.signal.aborted) return
    const peaks = await oneSize(requests, options, found)
    if (smallest !== null) found(growth(named(requests), peaks, smallest))
    smallest ??= peaks
  }
}

async function oneSize(
  requests: number,
  options: ScaleOptions,
  found: (figures: readonly Figure[]) => void,
): Promise<MemoryPeaks> {
  const place = await createPlace()
  const redis = await connectRedis({ url: place.redis.url }, 'client')
  try {
    return await measured(requests, { ...options, place, redis, found })
  } finally {
    redis.disconnect()
    await place.clear()
  }
}

interface Measuring extends ScaleOptions {
  readonly place: Place
  readonly redis: Redis
  readonly found: (figures: readonly Figure[]) => void
}

async function measured(requests: number, { place, redis, found, signal, say }: Measuring) {
  const size = named(requests)
  const input = join(place.directory, 'prompts.jsonl')
  say(`${size}: writing ${Math.round((requests * LINE_BYTES) / MB)} MB of prompts`)
  await writePromptsFile(input, requests, LINE_BYTES)
  const simulator = await place.simulate({ latencyMs: LATENCY_MS, timelineMs: 1000 })
  const empty = (await redisMemory(redis)).used
  const startedAt = performance.now()
  const command = place.start(simulator, 'run', input)
  const watch = await watchMemory(command.process.pid as number, redis, join(place.directory, 'redis'))
  const seconds = () => (performance.now() - startedAt) / 1000
  const teller = setInterval(() => void tell(size, simulator, watch.peaks(), seconds(), say), TELL_MS)
  const whole = await Promise.race([command.ended.then(() => true), aborted(signal)]).finally(() => {
    clearInterval(teller)
    watch.stop()
  })
  const took = seconds()
  const peaks = watch.peaks()
  const stats = await simulator.stats()
  found(figuresOf(size, peaks))
  if (!whole) throw new Error(`${size}: cut short after ${stats.calls} calls in ${took.toFixed(0)} s`)

  const left = (await redisMemory(redis)).used - empty
  const lines = await verifyOutput(
    join(place.directory, 'prompts.results.jsonl'),
    join(place.directory, 'prompts.errors.jsonl'),
    requests,
  )
  found([
    figure(`${size}: the whole command`, took, 's'),
    figure(`${size}: requests a second`, requests / took, '/s'),
    figure(`${size}: Redis at the end, over empty`, left / MB, 'MB'),
    figure(`${size}: keys in Redis at the end`, await redis.dbsize(), ''),
    none(`${size}: lost`, lines.lost),
    none(`${size}: doubled or strange`, lines.doubled + lines.strange),
    none(`${size}: failed`, lines.failures),
    none(`${size}: paid twice`, stats.repeatedCompletions),
  ])
  return peaks
}

function figuresOf(size: string, { rss, redis, redisDisk }: MemoryPeaks): Figure[] {
  const atMost = (bound: number): Target => ({ atMost: bound })
  return [
    figure(`${size}: Redis, peak over empty`, redis / MB, 'MB', atMost(MOST_REDIS_MB)),
    figure(`${size}: our process, peak RSS`, rss / MB, 'MB', atMost(MOST_RSS_MB)),
    figure(`${size}: Redis's files, peak`, redisDisk / MB, 'MB'),
  ]
}

function growth(size: string, peaks: MemoryPeaks, smallest: MemoryPeaks): Figure[] {
  const target = { atMost: MOST_GROWTH }
  return [
    figure(`${size}: Redis's peak ÷ the smallest's`, peaks.redis / smallest.redis, '×', target),
    figure(`${size}: RSS ÷ the smallest's`, peaks.rss / smallest.rss, '×', target),
  ]
}

async function tell(
  size: string,
  simulator: SimulatorProcess,
  { rss, redis }: MemoryPeaks,
  seconds: number,
  say: ScaleOptions['say'],
): Promise<void> {
  const calls = await simulator.stats().then(
    ({ calls }) => String(calls),
    () => '?',
  )
  const mb = (bytes: number) => `${(bytes / MB).toFixed(0)} MB`
  say(`${size}: ${seconds.toFixed(0)} s, ${calls} calls; peaks: RSS ${mb(rss)}, Redis ${mb(redis)}`)
}

function aborted(signal: AbortSignal): Promise<false> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(false)
    else signal.addEventListener('abort', () => resolve(false), { once: true })
  })
}

function named(requests: number): string {
  return requests.toLocaleString('en-US')
}

/** Whether a batch of any size runs in the same memory. */
export const MEMORY: ScaleScenario = {
  name: 'memory',
  about: 'requests of 1 KB by one `run`, no limit',
  run: memory,
}
