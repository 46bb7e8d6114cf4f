import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { chosen, GROUPS, SCENARIOS } from './pace/catalogue.js'
import { killChildren } from './pace/children.js'
import { removeDirectories } from './pace/place.js'
import { inParallel, type RunEnd, runOnce } from './pace/run.js'
import type { PaceOptions, Scenario } from './pace/scenario.js'
import { figuresLine, markdownTable, passed, summaryOf } from './pace/table.js'

const HELP = `npm run bench:pace -- [SCENARIO or GROUP …] [--runs N] [--jobs N] [--clock K] [--json FILE]

  --runs N      runs of each scenario; the median counts (3)
  --jobs N      scenarios at once, of those that use little CPU (8)
  --clock K     windows K times shorter than a minute: a quick look, not the real clock (1)
  --json FILE   all figures of all runs

Groups: ${GROUPS.join(', ')}. Without a name: all but the group hard.
${SCENARIOS.map(({ name, about }) => `  ${name.padEnd(24)} ${about}`).join('\n')}
`

interface Bench {
  readonly scenarios: readonly Scenario[]
  readonly runs: number
  readonly jobs: number
  readonly options: PaceOptions
  readonly json: string | undefined
}

const say = (line: string): void => void process.stderr.write(`${line}\n`)

function positive(name: string, text: string): number {
  const value = Number(text)
  if (value > 0) return value
  throw new Error(`--${name} must be a number above zero`)
}

/** What the command line asks for; null when it asks for help. */
function readBench(args: string[]): Bench | null {
  const text = (fallback: string) => ({ type: 'string', default: fallback }) as const
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      runs: text('3'),
      jobs: text('8'),
      clock: text('1'),
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return null
  return {
    scenarios: chosen(positionals),
    runs: positive('runs', values.runs),
    jobs: positive('jobs', values.jobs),
    options: { clock: positive('clock', values.clock) },
    json: values.json,
  }
}

/** Runs everything: first what can go side by side, then one by one what needs the machine to itself. */
async function runAll({ scenarios, runs, jobs, options }: Bench): Promise<Map<Scenario, RunEnd[]>> {
  const ends = new Map<Scenario, RunEnd[]>(scenarios.map((scenario) => [scenario, []]))
  const total = scenarios.length * runs
  let done = 0
  const task = (scenario: Scenario, run: number) => async () => {
    const name = `${scenario.name} (run ${run} of ${runs})`
    say(`${name}: started`)
    const end = await runOnce(scenario, options)
    ends.get(scenario)?.push(end)
    done += 1
    const found = end.kind === 'measured' ? figuresLine(end.figures) : `failed: ${end.message}`
    say(`[${done}/${total}] ${name}, ${end.seconds.toFixed(0)} s: ${found}`)
  }
  const tasks = (alone: boolean) =>
    Array.from({ length: runs }, (_, run) =>
      scenarios.filter((scenario) => scenario.alone === alone).map((scenario) => task(scenario, run + 1)),
    ).flat()
  await inParallel(tasks(false), jobs)
  await inParallel(tasks(true), 1)
  return ends
}

async function bench(asked: Bench): Promise<boolean> {
  const ends = await runAll(asked)
  const summaries = [...ends].map(([scenario, runs]) => summaryOf(scenario, runs))
  const { clock } = asked.options
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.version}`
  const clockNote = clock === 1 ? '' : `\nWindows ${clock} times shorter than a minute: NOT the real clock.\n`
  process.stdout.write(`${machine}, ${asked.runs} run(s)\n${clockNote}\n${markdownTable(summaries)}`)
  if (asked.json !== undefined)
    await writeFile(asked.json, `${JSON.stringify({ machine, clock, summaries }, null, 2)}\n`)
  return summaries.every(passed)
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => process.exit(code))
}
// Whatever ends the bench, nothing of it stays.
process.once('exit', () => {
  killChildren()
  removeDirectories()
})
try {
  const asked = readBench(process.argv.slice(2))
  if (asked === null) process.stdout.write(HELP)
  else process.exitCode = (await bench(asked)) ? 0 : 1
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
// A run that failed may have left timers, which nobody waits for.
setTimeout(() => process.exit(), 1000).unref()
