import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { EXIT } from '../src/cli/exit.js'
import { type Simulator, startSimulator } from '../src/simulator/simulator.js'
import { receiveAlerts } from './demo-alerts.js'
import { conduitBatch } from './demo-command.js'
import { INVALID_REQUESTS, prepareInput } from './demo-input.js'
import { problemsOf } from './demo-verdict.js'

const EMPTY_FOR_MS = 4000
const LOOK_MS = 100

/** What the simulated demo is run with. */
export interface StoryOptions {
  /** Emptied at the start. */
  readonly directory: string
  readonly model: string
  readonly env: NodeJS.ProcessEnv
  readonly say: (...lines: string[]) => void
}

/** A batch against a simulated Conduit in trouble. Gives the exit code: 0 when all went as promised. */
export async function runStory({ directory, model, env, say }: StoryOptions): Promise<number> {
  await rm(directory, { recursive: true, force: true })
  const input = await prepareInput(join(directory, 'packages.jsonl'), model)
  const answers = input.total - INVALID_REQUESTS
  const simulator = await startTroubledConduit(answers)
  const alerts = await receiveAlerts()
  try {
    say(...introduction(input.total))
    const code = await runAndTopUp(input.path, simulator, {
      ...env,
      CONDUIT_API_KEY: 'sk-simulator',
      CONDUIT_API_KEY_FILE: undefined,
      CONDUIT_BASE_URL: simulator.baseUrl,
      CONDUIT_BILLING_URL: simulator.billingUrl,
      CONDUIT_BATCH_ALERT_WEBHOOK: alerts.url,
      // Nobody wants to watch for half a minute.
      CONDUIT_BATCH_BALANCE_POLL_SECONDS: '2',
    })
    if (code === EXIT.interrupted) {
      say('  The demo was interrupted; the next one starts from the beginning.')
      return code
    }
    const stats = simulator.stats()
    say(
      `  The simulator counted ${stats.calls} calls: ${stats.completed} answered and paid;`,
      `  ${stats.byStatus['429'] ?? 0} refused by the rate limit, ${stats.byStatus['402'] ?? 0} by the empty account.`,
      `  Prompts paid twice: ${stats.promptsCompletedMoreThanOnce}. Alerts a person got: ${alerts.types.join(', ')}.`,
      '',
    )
    const problems = problemsOf({ code, answers, stats, alerts: alerts.types })
    for (const problem of problems) say(`  NOT AS PROMISED: ${problem}`)
    return problems.length === 0 ? EXIT.answered : EXIT.error
  } finally {
    await simulator.close()
    alerts.close()
  }
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

function introduction(total: number): string[] {
  return [
    `${total} requests, made of the README files in node_modules ("in one sentence, what does this package do?"),`,
    `go to a simulated Conduit that limits rates and fails now and then. ${INVALID_REQUESTS} of them are wrong, and the account is`,
    `empty halfway: ${EMPTY_FOR_MS / 1000} seconds later this script tops up, and nobody types anything`,
    '',
  ]
}

async function runAndTopUp(input: string, simulator: Simulator, env: NodeJS.ProcessEnv): Promise<number> {
  let isOver = false
  const running = conduitBatch(['run', input], env).finally(() => {
    isOver = true
  })
  const [code] = await Promise.all([running, topUpOnceEmpty(simulator, () => isOver)])
  return code
}

/** The person of this story: sees the account empty, and tops up a few seconds later. */
async function topUpOnceEmpty(simulator: Simulator, isOver: () => boolean): Promise<void> {
  await until(() => isOver() || (simulator.stats().byStatus['402'] ?? 0) > 0)
  const emptySince = Date.now()
  await until(() => isOver() || Date.now() - emptySince >= EMPTY_FOR_MS)
  if (isOver()) return
  simulator.control({ topUpCents: 1000 })
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await pause(LOOK_MS)
}
