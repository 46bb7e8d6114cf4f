import { mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDataDirectory } from '../../../src/batches/data-directory.js'
import { figure } from '../../pace/figure.js'
import { removeAtExit } from '../directories.js'
import { writePromptsFile } from '../prompts-file.js'
import type { ScaleScenario } from '../scenario.js'
import { stageFile } from '../submission.js'

const LINE_BYTES = 1024
const LEAST_MB_A_SECOND = 100
const READ_BYTES = 256 * 1024
const LF = 0x0a

/** Makes a batch of a file, as `run` does before its first call, and beside it what no validation can do without. */
const run: ScaleScenario['run'] = async ({ bytes, runs, signal, say }, found) => {
  const directory = removeAtExit(await mkdtemp(join(tmpdir(), 'cb-scale-')))
  try {
    const input = join(directory, 'prompts.jsonl')
    await writePromptsFile(input, Math.ceil(bytes / LINE_BYTES), LINE_BYTES)
    await parsePlainly(input)
    const speeds: number[] = []
    const plain: number[] = []
    for (let at = 0; at < runs && !signal.aborted; at += 1) {
      plain.push(await megabytesASecond(bytes, () => parsePlainly(input)))
      speeds.push(await megabytesASecond(bytes, () => stage(input, join(directory, `run-${at}`))))
      say(`validate: ${speeds.at(-1)?.toFixed(0)} MB/s, plain reading ${plain.at(-1)?.toFixed(0)} MB/s`)
    }
    found([
      figure('staging, as `run` does it', median(speeds), 'MB/s', { atLeast: LEAST_MB_A_SECOND }),
      figure('reading and JSON.parse alone', median(plain), 'MB/s'),
    ])
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function stage(input: string, directory: string): Promise<void> {
  await mkdir(directory)
  const data = await openDataDirectory(join(directory, 'data'))
  const { manifest } = await stageFile(input, directory, data)
  if (manifest.total === 0) throw new Error('nothing was staged')
}

/** The state of the machine in a figure: the same file, read, cut into lines and parsed, and nothing else. */
async function parsePlainly(input: string): Promise<void> {
  const file = await open(input)
  try {
    const buffer = Buffer.alloc(READ_BYTES)
    let rest = 0
    for (;;) {
      const { bytesRead } = await file.read(buffer, rest, buffer.length - rest)
      if (bytesRead === 0) return
      const end = rest + bytesRead
      let from = 0
      for (let lf = buffer.indexOf(LF); lf >= 0 && lf < end; lf = buffer.indexOf(LF, from)) {
        JSON.parse(buffer.toString('utf8', from, lf))
        from = lf + 1
      }
      buffer.copy(buffer, 0, from, end)
      rest = end - from
    }
  } finally {
    await file.close()
  }
}

async function megabytesASecond(bytes: number, work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return bytes / 1e6 / ((performance.now() - startedAt) / 1000)
}

function median(values: readonly number[]): number | null {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? null
}

/** How fast an input is checked. */
export const VALIDATE: ScaleScenario = {
  name: 'validate',
  about: 'a file of lines of 1 KB becomes a batch on disk',
  run,
}
