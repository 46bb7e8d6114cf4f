import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { runDrill } from './chaos/drill.js'
import { drillFigures } from './chaos/drill-figures.js'
import { resultsOf } from './pace/figure.js'
import { markdownTable, passed } from './pace/table.js'

const HELP = `npm run bench:chaos -- [--rounds N] [--requests N] [--seed N] [--keep]

  --rounds N     strikes, one after the other; every second one kills a process that makes calls (50)
  --requests N   of the one batch (20000)
  --seed N       of the strikes (1)
  --keep         leaves logs and files where they are, when there are violations

Every core is kept busy meanwhile. docs/chaos.md tells what is looked at. Ctrl-C ends it after the present round.
`

const SCENARIO = { name: 'chaos', about: 'strikes on one batch while every core is busy' }
const say = (line: string): void => void process.stderr.write(`${line}\n`)

async function bench(): Promise<boolean> {
  const text = (fallback: string) => ({ type: 'string', default: fallback }) as const
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    options: { rounds: text('50'), requests: text('20000'), seed: text('1'), keep: flag, help: flag },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return true
  }
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort())
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.version}, load ${loadavg()[0]?.toFixed(1)} at the start`
  const [rounds, requests, seed] = [values.rounds, values.requests, values.seed].map(Number) as [
    number,
    number,
    number,
  ]
  const { signal } = interrupted
  const end = await runDrill({ seed, rounds, requests, keep: values.keep, say, signal })
  for (const violation of end.violations) say(`VIOLATION: ${violation}`)
  if (end.kept !== null) say(`Logs and files: ${end.kept}`)
  const { seconds } = end
  const summary = { scenario: SCENARIO, runs: 1, results: resultsOf([drillFigures(end)]), failures: [] }
  process.stdout.write(
    `${machine}\n\n${requests} requests, seed ${seed}, ${seconds.toFixed(0)} s\n\n${markdownTable([summary])}`,
  )
  return passed(summary)
}

process.exit((await bench()) ? 0 : 1)
