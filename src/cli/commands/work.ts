import { Command } from 'commander'
import type { Manual } from '../help/manual.js'
import { withManual } from '../help/with-manual.js'
import type { WorkFlags } from '../work/work.js'
import { addWorkerOptions } from './worker-options.js'

const MANUAL: Manual = {
  description: [
    'Works on every batch that was handed in until it is stopped. SIGTERM or Ctrl-C lets calls in flight finish for ' +
      '30 s at most, then gives them back; no attempt is used. A second signal gives them back at once.',
    'A pause ends by itself when somebody has topped up (the balance is asked for every --balance-poll seconds), when ' +
      'another key is found, at midnight UTC for the daily quota, and after a while for a spending limit; with ' +
      '--no-auto-resume only conduit-batch resume ends it. Where there is no terminal, SIGHUP reads the keys and the ' +
      'settings again.',
    'On a terminal it tells what happens; elsewhere it writes its log to stderr, a JSON object a line.',
  ],
  sections: [
    {
      title: 'ROLES',
      lines: [
        'Every queue needs each of them somewhere.',
        'completion  makes the calls; as many processes as you like, wherever Redis is reached',
        'batch       feeds and collects the batches of its data directory; one process at a',
        '            time, others wait for their turn',
        'alert       tells a person when only a person can help (log and webhook)',
      ],
    },
  ],
  examples: [
    { type: 'conduit-batch work', for: 'all roles, all queues that are set up' },
    { type: 'conduit-batch work --roles completion', for: 'one more process that makes calls' },
    { type: 'conduit-batch work --roles batch,alert', for: 'needs no key' },
    { type: 'conduit-batch work --queue default --queue nightly --concurrency 100' },
    { type: 'conduit-batch work --rpm 600', for: 'and the same for every other worker of the queue' },
    { type: 'conduit-batch work --until-idle', for: 'for scripts: ends when nothing is left to do' },
  ],
  seeAlso: ['submit', 'status', 'run'],
}

/** `conduit-batch work`: workers, apart from the commands that hand in batches. */
export function workCommand(): Command {
  const command = new Command('work').description(
    'run workers: they work on every batch that was handed in, until they are stopped',
  )
  return addWorkerOptions(withManual(command, MANUAL))
    .option('--until-idle', 'end when no batch is active and nothing waits')
    .action(async (flags: WorkFlags) => {
      // Loaded only now: `--help` must be quick.
      const { work } = await import('../work/work.js')
      process.exitCode = await work(flags)
    })
}
