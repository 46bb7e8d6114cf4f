import { writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { killChildren } from './pace/children.js'
import { type Figure, resultsOf } from './pace/figure.js'
import { removeDirectories } from './pace/place.js'
import { figuresLine, markdownTable, passed, type Summary } from './pace/table.js'
import { chosen, SCENARIOS } from './scale/catalogue.js'
import { removeAll } from './scale/directories.js'
import type { ScaleOptions, ScaleScenario } from './scale/scenario.js'

const HELP = `npm run bench:scale -- [SCENARIO …] [--requests N,M] [--bytes N] [--answers N] [--runs N] [--json FILE]

  --requests N,M  sizes of the batches in memory, smallest first (50000,200000; the promise: 50000,1000000)
  --bytes N       size of the file in validate (300000000)
  --answers N     answers in collect (200000)
  --runs N        runs in validate and collect; the median counts (3)
  --json FILE     all figures

Without a name: everything. Ctrl-C tells what was measured so far.
${SCENARIOS.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join('\n')}
`

interface Bench {
  readonly scenarios: readonly ScaleScenario[]
  readonly options: Omit<ScaleOptions, 'signal' | 'say'>
  readonly json: string | undefined
}

const say = (line: string): void => void process.stderr.write(`${line}\n`)

function counts(name: string, text: string): number[] {
  const values = text.split(',').map((part) => Number(part.replaceAll('_', '')))
  if (values.every((value) => Number.isSafeInteger(value) && value > 0)) return values.sort((a, b) => a - b)
  throw new Error(`--${name} must be whole numbers above zero`)
}

/** What the command line asks for; null when it asks for help. */
function readBench(args: string[]): Bench | null {
  const text = (fallback: string) => ({ type: 'string', default: fallback }) as const
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      requests: text('50000,200000'),
      bytes: text('300000000'),
      answers: text('200000'),
      runs: text('3'),
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return null
  const one = (name: 'bytes' | 'answers' | 'runs') => counts(name, values[name])[0] as number
  return {
    scenarios: chosen(positionals),
    options: {
      requests: counts('requests', values.requests),
      bytes: one('bytes'),
      answers: one('answers'),
      runs: one('runs'),
    },
    json: values.json,
  }
}

async function summarized(scenario: ScaleScenario, options: ScaleOptions): Promise<Summary> {
  const rounds: (readonly Figure[])[] = []
  const failures: string[] = []
  const found = (figures: readonly Figure[]) => {
    rounds.push(figures)
    say(`${scenario.name}: ${figuresLine(figures)}`)
  }
  try {
    await scenario.run(options, found)
  } catch (error) {
    failures.push(error instanceof Error ? error.message : String(error))
    say(`${scenario.name}: failed: ${failures[0]}`)
  }
  return { scenario, runs: rounds.length, results: resultsOfAll(rounds), failures }
}

/** Figures of one name are runs of the same; others stand for themselves. */
function resultsOfAll(rounds: readonly (readonly Figure[])[]) {
  const all = rounds.flat()
  const names = [...new Set(all.map(({ name }) => name))]
  return names.flatMap((wanted) => {
    const same = all.filter(({ name }) => name === wanted)
    return resultsOf(same.map((figure) => [figure]))
  })
}

async function bench({ scenarios, options, json }: Bench, signal: AbortSignal): Promise<boolean> {
  const summaries: Summary[] = []
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.version}, load ${loadavg()[0]?.toFixed(1)} at the start`
  for (const scenario of scenarios) {
    if (!signal.aborted) summaries.push(await summarized(scenario, { ...options, signal, say }))
  }
  const cut = signal.aborted ? '\nInterrupted: NOT everything was measured.\n' : ''
  process.stdout.write(`${machine}\n${cut}\n${markdownTable(summaries)}`)
  if (json !== undefined) await writeFile(json, `${JSON.stringify({ machine, summaries }, null, 2)}\n`)
  return !signal.aborted && summaries.every(passed)
}

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interrupted.signal.aborted) process.exit(130)
    interrupted.abort()
  })
}
// Whatever ends the bench, nothing of it stays.
process.once('exit', () => {
  killChildren()
  removeDirectories()
  removeAll()
})
try {
  const asked = readBench(process.argv.slice(2))
  if (asked === null) process.stdout.write(HELP)
  else process.exitCode = (await bench(asked, interrupted.signal)) ? 0 : 1
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
setTimeout(() => process.exit(), 1000).unref()
