import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { runDrill } from './chaos/drill.js'

const say = (line: string): void => void process.stderr.write(`${line}\n`)
const number = (text: string): number => Number(text)
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '50' },
    requests: { type: 'string', default: '20000' },
    keep: { type: 'boolean', default: false },
  },
})
say(`load before: ${loadavg()[0]?.toFixed(1)}`)
const end = await runDrill({
  seed: number(values.seed),
  rounds: number(values.rounds),
  requests: number(values.requests),
  keep: values.keep,
  say,
})
const { recoveriesMs, callsAgainMs, ...rest } = end
const sorted = (list: readonly number[]) => [...list].sort((a, b) => a - b)
const at = (list: readonly number[], share: number) => sorted(list)[Math.floor((list.length - 1) * share)]
const spread = (list: readonly number[]) => ({
  median: at(list, 0.5),
  p90: at(list, 0.9),
  worst: at(list, 1),
})
process.stdout.write(
  `${JSON.stringify({ ...rest, recoveryMs: spread(recoveriesMs), callsAgainMs: spread(callsAgainMs) }, null, 2)}\n`,
)
process.exit(end.violations.length === 0 ? 0 : 1)
