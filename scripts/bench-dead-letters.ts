import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { accessRedis, openSession, type Session } from '../src/batches/session.js'
import { createDeadLetters, type DeadLetters } from '../src/completions/dead-letters/dead-letters.js'
import type { DeadLetterFilter } from '../src/completions/dead-letters/select.js'
import { deleteKeys } from './demo-keys.js'
import { provideRedis } from './development-redis.js'
import { manyLetters } from './many-letters.js'

const BATCH = 'b0123456789ab'
const SIZES = [10_000, 100_000]
const TIMES = 7
/** Letters that one retry or discard takes. */
const PORTION = 500
const FILTERS: readonly DeadLetterFilter[] = [
  { batch: BATCH },
  { code: 'CHAT_MODEL_NOT_FOUND' },
  { model: 'gpt-9' },
  { olderThanMs: 5000 },
  { batch: BATCH, code: 'VALIDATION_ERROR', model: 'gpt-4o', olderThanMs: 50_000 },
]

function say(label: string, value: string): void {
  process.stdout.write(`  ${label.padEnd(52)} ${value}\n`)
}

const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`.padStart(9)

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

async function timeOf(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await run()
  return performance.now() - start
}

async function medianOf(label: string, run: () => Promise<unknown>): Promise<void> {
  const times: number[] = []
  for (let i = 0; i < TIMES; i++) times.push(await timeOf(run))
  say(label, ms(median(times)))
}

async function listAll(dead: DeadLetters, filter: DeadLetterFilter = {}): Promise<string[]> {
  const ids: string[] = []
  for await (const page of dead.find(filter)) ids.push(...page)
  return ids
}

async function usedMemory({ redis }: Session): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
}

/** What a retry needs to know: a batch that was completed, and all of whose requests failed. */
async function registerBatch({ redis, keys }: Session, size: number): Promise<void> {
  await redis.hset(keys.batch(BATCH), 'state', 'completed', 'total', size, 'completed', 0, 'failed', size)
  await redis.set(keys.done(BATCH), Buffer.alloc(Math.ceil(size / 8), 0xff))
}

async function bench(session: Session, size: number): Promise<void> {
  const { redis, keys, deadLetters } = session
  const dead = createDeadLetters(redis, keys, deadLetters)
  await registerBatch(session, size)
  process.stdout.write(`${size.toLocaleString('en')} dead letters of three kinds\n`)
  const before = await usedMemory(session)
  const letters = manyLetters(BATCH, size)
  say('bury all', ms(await timeOf(() => dead.bury(letters))))
  say(
    'bytes of a letter in Redis',
    String(Math.round(((await usedMemory(session)) - before) / size)).padStart(6),
  )
  await medianOf('list all', () => listAll(dead))
  await medianOf('the first 20 letters', async () => {
    const page = await dead.find({})[Symbol.asyncIterator]().next()
    await dead.getMany(page.done === true ? [] : page.value.slice(0, 20))
  })
  await medianOf('group all', () => dead.groups({}))
  for (const filter of FILTERS) {
    const names = Object.keys(filter).join(', ')
    await medianOf(`count by ${names}`, () => dead.count(filter))
    await medianOf(`group by ${names}`, () => dead.groups(filter))
  }
  const ids = await listAll(dead)
  const portion = (n: number) => ids.slice(n * PORTION, (n + 1) * PORTION)
  const edit = { set: { model: 'gpt-5' } }
  let taken = 0
  await medianOf(`retry ${PORTION}, with an edit`, () => dead.retry(portion(taken++), edit))
  await medianOf(`discard ${PORTION}`, () => dead.discard(portion(taken++)))
  say('drop what is left', ms(await timeOf(() => dead.purgeBatch(BATCH))))
}

const provided = await provideRedis(process.env)
const dataDirectory = await mkdtemp(join(tmpdir(), 'cb-bench-'))
const keyPrefix = `bench-${process.pid}`
const access = await accessRedis(
  { redisUrl: provided.redisUrl, dataDirectory, searchPath: process.env.PATH ?? '' },
  (error) => process.stderr.write(`${(error as Error).message}\n`),
)
process.stdout.write(`Redis: ${provided.how}\n`)
try {
  for (const size of SIZES) {
    const session = await openSession({
      target: access.target,
      keyPrefix,
      queue: `bench-${size}`,
      role: 'client',
      onRedisLost: () => undefined,
      onWarning: () => undefined,
    })
    await bench(session, size)
    await session.close()
  }
} finally {
  if (provided.redisUrl !== null) await deleteKeys(provided.redisUrl, keyPrefix)
  await access.leave()
  await provided.stop()
  await rm(dataDirectory, { recursive: true, force: true })
}
