import { Command, InvalidArgumentError, Option } from 'commander'
import type { LimitOptions, SimulatorOptions } from '../../simulator/options.js'
import type { Simulator } from '../../simulator/simulator.js'
import type { Manual } from '../help/manual.js'
import { withManual } from '../help/with-manual.js'

const DEFAULT_KEY = 'sk-simulator'
const WINDOWS = ['sliding', 'fixed', 'bucket'] as const
const HEADER_STYLES = ['openai', 'plain'] as const

interface SimulateFlags {
  readonly host: string
  readonly port: number
  readonly key?: string[]
  readonly balanceCents?: number
  readonly costCents: number
  readonly costPerTokenCents: number
  readonly rpm?: number
  readonly burst?: number
  readonly window?: (typeof WINDOWS)[number]
  readonly rateLimitHeaders?: (typeof HEADER_STYLES)[number]
  readonly latency: { readonly min: number; readonly max: number }
  readonly fault?: FaultFlag[]
  readonly seed: number
  readonly json?: true
}

interface FaultFlag {
  readonly name: string
  readonly probability: number
}

const MANUAL: Manual = {
  description: [
    'A Conduit on this machine, faithful to its documentation: rate limits, an account, and every failure. It prints ' +
      'the settings that make other commands use it, and runs until Ctrl-C.',
    'A prompt with [[INTERNAL_SERVER_ERROR]] always gets that fault, with [[INTERNAL_SERVER_ERROR x2]] the first 2 ' +
      'times. While it runs: GET /_simulator/stats and /_simulator/calls; POST /_simulator/control, for example ' +
      '{"topUpCents": 500}.',
  ],
  examples: [
    { type: 'conduit-batch simulate' },
    { type: 'conduit-batch simulate --rpm 600 --window bucket --burst 20 --latency 200-800' },
    { type: 'conduit-batch simulate --balance-cents 500 --cost-cents 1' },
    { type: 'conduit-batch simulate --fault INTERNAL_SERVER_ERROR=0.1 --fault TRUNCATED_BODY=0.01' },
  ],
  seeAlso: ['run', 'doctor'],
}

/** `conduit-batch simulate`: a Conduit on this machine, until Ctrl-C. */
export function simulateCommand(): Command {
  const command = new Command('simulate')
    .description('run a stand-in for Conduit.im on this machine')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 for any free one', wholeNumber(0, 65_535), 8585)
    .option('--key <key>', `an API key that is valid, repeatable (default: "${DEFAULT_KEY}")`, collectText)
    .option('--balance-cents <cents>', 'balance of the account (default: without an end)', amount)
    .option('--cost-cents <cents>', 'cost of a call', amount, 1)
    .option('--cost-per-token-cents <cents>', 'what each token costs beside that', amount, 0)
    .option(
      '--rpm <number>',
      'requests per minute for each key (default: no limit)',
      wholeNumber(1, 10_000_000),
    )
    .option(
      '--burst <number>',
      'how many requests a bucket holds (default: as many as --rpm)',
      wholeNumber(1),
    )
    .option(
      '--window <kind>',
      'sliding, fixed or bucket (default: sliding, or bucket with --burst)',
      oneOf(WINDOWS),
    )
    .option(
      '--rate-limit-headers <style>',
      'send x-ratelimit-* headers as openai writes them, or plain (default: none)',
      oneOf(HEADER_STYLES),
    )
    .addOption(latencyOption())
    .option('--fault <name=probability>', 'a fault and how likely it is, 0 to 1, repeatable', collectFault)
    .option('--seed <number>', 'seed of everything random', wholeNumber(0), 1)
    .option('--json', 'print the addresses and the keys as one JSON object')
  return withManual(command, MANUAL).action(async (flags: SimulateFlags) => {
    const simulator = await start(command, flags)
    process.stdout.write(flags.json ? jsonLine(simulator, flags) : shellLines(simulator, flags))
    await signalled()
    await simulator.close()
  })
}

/** Loaded only now: `--help` must be quick. */
async function start(command: Command, flags: SimulateFlags): Promise<Simulator> {
  const [{ startSimulator }, { isFaultName }] = await Promise.all([
    import('../../simulator/simulator.js'),
    import('../../simulator/fault-names.js'),
  ])
  const faults = (flags.fault ?? []).map(({ name, probability }) => {
    if (!isFaultName(name))
      return command.error(`error: option '--fault': '${name}' is no fault of the simulator`)
    return { fault: name, probability }
  })
  const options: SimulatorOptions = {
    host: flags.host,
    port: flags.port,
    apiKeys: keysOf(flags),
    balanceCents: flags.balanceCents ?? null,
    costCents: flags.costCents,
    costPerTokenCents: flags.costPerTokenCents,
    limit: limitOf(command, flags),
    rateLimitHeaders: flags.rateLimitHeaders ?? 'none',
    latencyMs: flags.latency,
    faults,
    seed: flags.seed,
  }
  return startSimulator(options).catch((error: unknown) => refuseAddress(command, flags, error))
}

function refuseAddress(command: Command, { host, port }: SimulateFlags, error: unknown): never {
  if (!(error instanceof Error) || !('code' in error)) throw error
  return command.error(
    `error: can't listen on ${host}:${port} (${String(error.code)}): choose another --port or --host`,
  )
}

function limitOf(command: Command, { rpm, burst, window }: SimulateFlags): LimitOptions | null {
  if (rpm === undefined) {
    if (burst === undefined && window === undefined) return null
    return command.error(`error: option '--${burst === undefined ? 'window' : 'burst'}' needs --rpm`)
  }
  const kind = window ?? (burst === undefined ? 'sliding' : 'bucket')
  if (burst === undefined) return { kind, requestsPerWindow: rpm }
  if (kind !== 'bucket') return command.error(`error: option '--burst' needs --window bucket`)
  return { kind, requestsPerWindow: rpm, burst }
}

function keysOf(flags: SimulateFlags): string[] {
  return flags.key ?? [DEFAULT_KEY]
}

function jsonLine({ baseUrl, billingUrl, controlUrl }: Simulator, flags: SimulateFlags): string {
  return `${JSON.stringify({ baseUrl, billingUrl, controlUrl, apiKeys: keysOf(flags) })}\n`
}

function shellLines({ baseUrl, billingUrl, controlUrl }: Simulator, flags: SimulateFlags): string {
  return [
    '# The simulator runs until Ctrl-C. Paste this into another terminal:',
    `export CONDUIT_BASE_URL=${baseUrl}`,
    `export CONDUIT_BILLING_URL=${billingUrl}`,
    `export CONDUIT_API_KEY=${shellQuoted(keysOf(flags)[0] ?? '')}`,
    `# Statistics: ${controlUrl}/stats`,
    '',
  ].join('\n')
}

function shellQuoted(text: string): string {
  return /^[\w.:/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** Resolves at the first SIGINT or SIGTERM. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
}

function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= min && value <= max) return value
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `between ${min} and ${max}`
    throw new InvalidArgumentError(`It must be a whole number ${range}.`)
  }
}

function amount(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a number of cents, zero or more.')
}

function latencyOption(): Option {
  return new Option('--latency <min-max>', 'milliseconds until an answer, one number or a range')
    .argParser(latency)
    .default({ min: 0, max: 0 }, '0')
}

function latency(text: string): { min: number; max: number } {
  const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? []
  const min = Number(from)
  const max = Number(to ?? from)
  if (min <= max) return { min, max }
  throw new InvalidArgumentError('It must be milliseconds, as 200 or 200-800.')
}

function oneOf<Word extends string>(words: readonly Word[]) {
  return (text: string): Word => {
    const word = words.find((known) => known === text)
    if (word !== undefined) return word
    throw new InvalidArgumentError(`It must be one of ${words.join(', ')}.`)
  }
}

function collectText(text: string, before: string[] = []): string[] {
  if (text === '') throw new InvalidArgumentError('It must not be empty.')
  return [...before, text]
}

function collectFault(text: string, before: FaultFlag[] = []): FaultFlag[] {
  const [, name, number] = /^([^=]+)=(\d+(?:\.\d+)?)$/.exec(text) ?? []
  const probability = Number(number)
  if (name !== undefined && probability <= 1) return [...before, { name, probability }]
  throw new InvalidArgumentError('It must be NAME=PROBABILITY with a probability between 0 and 1.')
}
