import { readFile } from 'node:fs/promises'

/** What the witnesses in the measured processes wrote. */
export interface Observed {
  /** Of all processes that have ended, together. */
  readonly cpuSeconds: number
  /** When a connection to the upstream could not be made (Unix milliseconds). */
  readonly connectFailedAtMs: readonly number[]
}

/** NODE_OPTIONS that make a process write what `observed` reads from the same file. */
export function witnessOptions(file: string): string {
  const script = new URL('witness.js', import.meta.url)
  script.search = encodeURIComponent(file)
  return `--import ${script.href}`
}

/** Reads a file of the witnesses; an absent one says nothing. */
export async function observed(file: string): Promise<Observed> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const lines = text.split('\n').filter((line) => line !== '')
  const notes = lines.map((line) => JSON.parse(line) as { cpuSeconds?: number; connectFailedAtMs?: number })
  return {
    cpuSeconds: notes.reduce((sum, { cpuSeconds }) => sum + (cpuSeconds ?? 0), 0),
    connectFailedAtMs: notes.flatMap(({ connectFailedAtMs }) => connectFailedAtMs ?? []),
  }
}
