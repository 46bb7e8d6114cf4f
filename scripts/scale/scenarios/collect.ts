import { join } from 'node:path'
import { openCollector } from '../../../src/batches/collector.js'
import { type DataDirectory, openDataDirectory } from '../../../src/batches/data-directory.js'
import { createDirectoryLease } from '../../../src/batches/lease.js'
import { openSession, type Session } from '../../../src/batches/session.js'
import { answerLine } from '../../../src/completions/output-line.js'
import { type PlacedEnding, recordAll } from '../../../src/completions/record.js'
import { currentProcess, formatProcess } from '../../../src/process-identity.js'
import { figure, none } from '../../pace/figure.js'
import { createPlace, type Place } from '../../pace/place.js'
import { customIdAt, writePromptsFile } from '../prompts-file.js'
import type { ScaleScenario } from '../scenario.js'
import { stageFile } from '../submission.js'
import { verifyOutput } from '../verify-output.js'

const LEAST_LINES_A_SECOND = 30_000
/** With the answer's envelope a line is about 1 KB. */
const ANSWER_CHARACTERS = 700
const INPUT_LINE_BYTES = 200
const AT_ONCE = 500
const USAGE = { prompt_tokens: 250, completion_tokens: 175, total_tokens: 425 }

/** Fills the result stream of a batch, and drains it with the collector that `run` has. */
const run: ScaleScenario['run'] = async ({ answers, runs, signal, say }, found) => {
  for (let at = 1; at <= runs && !signal.aborted; at += 1) {
    const place = await createPlace()
    try {
      say(`collect: recording ${answers} answers (run ${at} of ${runs})`)
      const { seconds, cpuSeconds, redisCpuSeconds, bytes, wrong } = await drained(place, answers)
      say(`collect: ${(answers / seconds).toFixed(0)} lines/s`)
      found([
        figure('lines collected', answers / seconds, '/s', { atLeast: LEAST_LINES_A_SECOND }),
        figure('written', bytes / 1e6 / seconds, 'MB/s'),
        figure('CPU per 100,000 lines: ours', cpuSeconds / (answers / 100_000), 's'),
        figure('CPU per 100,000 lines: Redis', redisCpuSeconds / (answers / 100_000), 's'),
        none('lost, doubled or strange', wrong),
      ])
    } finally {
      await place.clear()
    }
  }
}

async function drained({ directory, redis }: Place, answers: number) {
  const session = await openSession({
    target: { url: redis.url },
    keyPrefix: 'cb',
    queue: 'default',
    role: 'worker',
    onRedisLost: () => {},
    onWarning: () => {},
  })
  try {
    const data = await openDataDirectory(join(directory, 'data'))
    const manifest = await newBatch(directory, data, answers)
    await session.store.register(manifest, data.id)
    await record(session, manifest.batch, answers)
    const redisCpuBefore = await redis.cpuSeconds()
    const { seconds, cpuSeconds } = await drain(session, data, manifest)
    const redisCpuSeconds = (await redis.cpuSeconds()) - redisCpuBefore
    const { results, errors } = data.batch(manifest.batch)
    const { lost, doubled, strange } = await verifyOutput(results, errors, answers)
    const bytes = (await session.store.marks(manifest.batch))?.resultsBytes ?? 0
    return { seconds, cpuSeconds, redisCpuSeconds, bytes, wrong: lost + doubled + strange }
  } finally {
    await session.close()
  }
}

async function newBatch(directory: string, data: DataDirectory, requests: number) {
  const input = join(directory, 'prompts.jsonl')
  await writePromptsFile(input, requests, INPUT_LINE_BYTES)
  const { manifest } = await stageFile(input, directory, data)
  return manifest
}

async function record({ redis, keys }: Session, batch: string, answers: number): Promise<void> {
  for (let from = 0; from < answers; from += AT_ONCE) {
    const count = Math.min(AT_ONCE, answers - from)
    const endings = Array.from({ length: count }, (_, at) => endingOf(batch, from + at))
    await recordAll(redis, keys, batch, endings)
  }
}

function endingOf(batch: string, index: number): PlacedEnding {
  const place = { batch, index, generation: 0 }
  const content = `Answer ${index}: ${'as plain as can be, and said again. '.repeat(40)}`.slice(
    0,
    ANSWER_CHARACTERS,
  )
  const body = {
    id: `chatcmpl-${index}`,
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: USAGE,
  }
  const line = answerLine(place, customIdAt(index), { requestId: `req_${index}`, body })
  return { place, ending: { kind: 'completed', line, usage: USAGE, asked: { model: 'm', chars: 3 } } }
}

/** Until the stream is empty and everything is on disk. */
async function drain(
  { redis, keys, store }: Session,
  data: DataDirectory,
  { batch, output, errors }: { batch: string; output: string; errors: string },
): Promise<{ readonly seconds: number; readonly cpuSeconds: number }> {
  const lease = createDirectoryLease(redis, keys, data.id, formatProcess(currentProcess()))
  await lease.hold()
  const renewal = setInterval(() => void lease.hold(), 2000)
  const deps = {
    redis,
    keys,
    store,
    directoryId: data.id,
    leaseToken: () => lease.token,
    leaseIsSure: () => lease.isSure,
    bury: async () => {},
  }
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()]
  const { directory } = data.batch(batch)
  const collector = await openCollector({ batch, directory, output, errors }, deps)
  try {
    while ((await collector.collect()) > 0);
    const { user, system } = process.cpuUsage(cpu)
    return { seconds: (performance.now() - startedAt) / 1000, cpuSeconds: (user + system) / 1e6 }
  } finally {
    clearInterval(renewal)
    await collector.close()
    await lease.release()
  }
}

/** How fast answers come to disk. */
export const COLLECT: ScaleScenario = {
  name: 'collect',
  about: 'a full result stream, lines of 1 KB, written with fsync and checkpoints',
  run,
}
