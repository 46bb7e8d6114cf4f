import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Redis } from 'ioredis'

const SAMPLE_MS = 250
/** Looking at a directory costs more than looking at a process. */
const DISK_EVERY = 20

/** Memory of the process that is measured and of its Redis, from a moment on. Bytes. */
export interface MemoryWatch {
  /** The most that was seen so far. */
  peaks(): MemoryPeaks
  stop(): void
}

export interface MemoryPeaks {
  /** Of the process, as the kernel keeps it (VmHWM): no peak is missed between two samples. */
  readonly rss: number
  /** Of Redis (`used_memory_peak`), over what it used before. */
  readonly redis: number
  /** Files of Redis. */
  readonly redisDisk: number
  readonly samples: number
}

/** Starts to look at a process and its Redis every 250 ms; a process that has ended keeps its peak. */
export async function watchMemory(pid: number, redis: Redis, redisFiles: string): Promise<MemoryWatch> {
  const empty = (await redisMemory(redis)).used
  const peaks = { rss: 0, redis: 0, redisDisk: 0, samples: 0 }
  let looking = false
  const look = async () => {
    if (looking) return
    looking = true
    try {
      peaks.rss = Math.max(peaks.rss, await peakRss(pid))
      peaks.redis = Math.max(peaks.redis, (await redisMemory(redis)).peak - empty)
      if (peaks.samples++ % DISK_EVERY === 0)
        peaks.redisDisk = Math.max(peaks.redisDisk, await sizeOf(redisFiles))
    } catch {
      // The process or Redis has just ended; what was seen before stays.
    } finally {
      looking = false
    }
  }
  const timer = setInterval(() => void look(), SAMPLE_MS)
  return {
    peaks: () => ({ ...peaks }),
    stop: () => clearInterval(timer),
  }
}

/** Bytes that Redis uses, and the most it ever used. */
export async function redisMemory(redis: Redis): Promise<{ readonly used: number; readonly peak: number }> {
  const info = await redis.info('memory')
  const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
  return { used: field('used_memory'), peak: field('used_memory_peak') }
}

/** VmHWM of a process; 0 when it is gone, or on a system without /proc. */
async function peakRss(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024
}

async function sizeOf(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = files.map((file) =>
    stat(join(file.parentPath, file.name)).then(
      ({ size }) => size,
      () => 0,
    ),
  )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
