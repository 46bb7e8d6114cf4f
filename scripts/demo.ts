import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Simulator, startSimulator } from '../src/simulator/simulator.js'
import { readmePrompts } from './demo-prompts.js'
import { provideRedis } from './development-redis.js'

const BIN = fileURLToPath(new URL('../../bin/conduit-batch.js', import.meta.url))
const DIRECTORY = resolve('demo-output')
const LIVE_MODEL = 'gpt-4o-mini'
const EMPTY_FOR_MS = 4000
const LOOK_MS = 100

/** Lines that Conduit refuses, and one that can't even be sent: each ends as a dead letter, called once at most. */
const INVALID_LINES = [
  { custom_id: 'unknown-model', model: 'no-such-model', messages: [{ role: 'user', content: 'Hello?' }] },
  { custom_id: 'too-hot', temperature: 9, messages: [{ role: 'user', content: 'Be creative.' }] },
  { custom_id: 'no-messages', prompt: undefined },
]

interface Alerts {
  readonly url: string
  readonly types: string[]
  close(): void
}

async function receiveAlerts(): Promise<Alerts> {
  const types: string[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      types.push((JSON.parse(Buffer.concat(parts).toString()) as { type: string }).type)
      response.writeHead(204).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return { url, types, close: () => server.close() }
}

/** A Conduit with a rate limit, some trouble, and an account that is empty after half of the prompts. */
function startTroubledConduit(prompts: number): Promise<Simulator> {
  return startSimulator({
    latencyMs: { min: 100, max: 700 },
    limit: { kind: 'bucket', requestsPerWindow: 1800, burst: 40 },
    faults: [
      { fault: 'INTERNAL_SERVER_ERROR', probability: 0.04 },
      { fault: 'SERVICE_UNAVAILABLE', probability: 0.03 },
      { fault: 'TRUNCATED_BODY', probability: 0.01 },
    ],
    balanceCents: Math.floor(prompts / 2),
    costCents: 1,
  })
}

async function conduitBatch(args: readonly string[], env: NodeJS.ProcessEnv, quiet = false): Promise<number> {
  const child = spawn(process.execPath, [BIN, ...args], { env, stdio: quiet ? 'ignore' : 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

/** The person of this story: sees the account empty, tops up a few seconds later, and says so. */
async function topUpOnceEmpty(
  simulator: Simulator,
  env: NodeJS.ProcessEnv,
  over: () => boolean,
): Promise<void> {
  while (!over() && (simulator.stats().byStatus['402'] ?? 0) === 0) await pause(LOOK_MS)
  if (over()) return
  await pause(EMPTY_FOR_MS)
  simulator.control({ topUpCents: 1000 })
  await conduitBatch(['resume'], env, true)
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms))
}

function say(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

async function writeInput(model: string): Promise<{ input: string; total: number }> {
  const prompts = await readmePrompts(resolve('node_modules'))
  const lines = prompts.map(({ name, prompt }) => ({
    custom_id: name,
    model,
    messages: [{ role: 'user', content: prompt }],
    max_tokens: 100,
  }))
  for (const [i, invalid] of INVALID_LINES.entries())
    lines.splice(20 * (i + 1), 0, { model, ...invalid } as never)
  await rm(DIRECTORY, { recursive: true, force: true })
  await mkdir(DIRECTORY)
  const input = join(DIRECTORY, 'packages.jsonl')
  await writeFile(input, `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`)
  return { input, total: lines.length }
}

/** What the simulator saw, against what was promised. */
function verdict(simulator: Simulator, alerts: Alerts, answered: number): string[] {
  const stats = simulator.stats()
  const problems: string[] = []
  if (stats.promptsCompleted !== answered)
    problems.push(`${answered} answers expected, ${stats.promptsCompleted} given`)
  if (stats.promptsCompletedMoreThanOnce > 0)
    problems.push(`${stats.promptsCompletedMoreThanOnce} prompts paid twice`)
  if (alerts.types.join() !== 'incident.opened,incident.resolved')
    problems.push(`alerts: ${alerts.types.join()}`)
  say(
    `  The simulator counted ${stats.calls} calls: ${stats.completed} answered and paid, none of them twice;`,
    `  ${stats.byStatus['429'] ?? 0} refused by the rate limit, ${stats.byStatus['402'] ?? 0} by the empty account.`,
    `  Alerts a person got: ${alerts.types.join(', ')}.`,
    '',
  )
  return problems
}

async function runAgainstSimulator(env: NodeJS.ProcessEnv): Promise<number> {
  const { input, total } = await writeInput(LIVE_MODEL)
  const answered = total - INVALID_LINES.length
  const simulator = await startTroubledConduit(answered)
  const alerts = await receiveAlerts()
  const settings = {
    ...env,
    CONDUIT_API_KEY: 'sk-simulator',
    CONDUIT_BASE_URL: simulator.baseUrl,
    CONDUIT_BILLING_URL: simulator.billingUrl,
    CONDUIT_BATCH_ALERT_WEBHOOK: alerts.url,
  }
  say(
    `${total} requests, made of the README files in node_modules ("in one sentence, what does this package do?"),`,
    'go to a simulated Conduit that limits rates, fails now and then, refuses three of them for good, and whose',
    `account is empty halfway. ${EMPTY_FOR_MS / 1000} seconds later this script tops up and types: conduit-batch resume`,
    '',
  )
  let over = false
  const [code] = await Promise.all([
    conduitBatch(['run', input], settings).finally(() => {
      over = true
    }),
    topUpOnceEmpty(simulator, settings, () => over),
  ])
  const problems = verdict(simulator, alerts, answered)
  await simulator.close()
  alerts.close()
  if (code !== 2) problems.push(`conduit-batch run exited with ${code}, not with 2 (finished with failures)`)
  for (const problem of problems) say(`  NOT AS PROMISED: ${problem}`)
  return problems.length === 0 ? 0 : 1
}

async function runLive(env: NodeJS.ProcessEnv, model: string): Promise<number> {
  const { input, total } = await writeInput(model)
  say(
    `${total} requests go to the real Conduit with ${model}; they cost money. Ctrl-C stops, the same again goes on.`,
    '',
  )
  return conduitBatch(['run', input], env)
}

const { values } = parseArgs({
  options: { live: { type: 'boolean', default: false }, model: { type: 'string', default: LIVE_MODEL } },
})
if (values.live && !process.env.CONDUIT_API_KEY && !process.env.CONDUIT_API_KEY_FILE) {
  say('The live demo needs a key. Type: export CONDUIT_API_KEY=…')
  process.exit(1)
}
const redis = await provideRedis(process.env)
// The CLI refuses settings it does not know, and this one is not its own.
const { CONDUIT_BATCH_TEST_REDIS: _, ...inherited } = process.env
const env = {
  ...inherited,
  CONDUIT_BATCH_DATA_DIR: join(DIRECTORY, '.conduit-batch'),
  CONDUIT_BATCH_KEY_PREFIX: `demo-${process.pid}`,
  ...(redis.redisUrl === null ? {} : { REDIS_URL: redis.redisUrl }),
}
say(`Redis: ${redis.how}`)
try {
  process.exitCode = values.live ? await runLive(env, values.model) : await runAgainstSimulator(env)
} finally {
  await redis.stop()
}
