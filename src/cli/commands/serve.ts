import { Command } from 'commander'
import type { Manual } from '../help/manual.js'
import { withManual } from '../help/with-manual.js'
import { someText, wholeNumber } from '../option-values.js'
import type { ServeFlags } from '../serve/serve.js'
import { addWorkerOptions } from './worker-options.js'

const MANUAL: Manual = {
  description: [
    'On this machine (--host 127.0.0.1) nobody is asked for anything. Beyond it CONDUIT_BATCH_TOKEN must be set: a ' +
      'program sends it as bearer token, a browser as the password, with any user name.',
    'It works, ends pauses, and stops, as "conduit-batch work" does. When it is ready it prints its URL on stdout.',
  ],
  sections: [
    {
      title: 'PAGES',
      lines: [
        '/queues   the queues in bull-board, to look at only; jobs, and with them prompts',
        '/healthz  200 while the process lives',
        '/readyz   200 when Redis takes writes and the workers work, else 503',
      ],
    },
  ],
  examples: [
    { type: 'conduit-batch serve', for: 'all roles, and http://127.0.0.1:8484/queues' },
    { type: 'conduit-batch serve --port 0', for: 'any free port' },
    { type: 'conduit-batch serve --roles batch,alert', for: 'makes no calls, so it needs no key' },
    { type: 'CONDUIT_BATCH_TOKEN=… conduit-batch serve --host 0.0.0.0' },
  ],
  seeAlso: ['work', 'status'],
}

/** `conduit-batch serve`: workers, and HTTP to look at the queues. */
export function serveCommand(): Command {
  const command = new Command('serve')
    .description('run workers, and a page that shows the queues, until it is stopped')
    .option('--host <host>', 'address to listen on', someText, '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 for any free one', wholeNumber(0, 65_535), 8484)
  return addWorkerOptions(withManual(command, MANUAL)).action(async (flags: ServeFlags) => {
    // Loaded only now: `--help` must be quick.
    const { serve } = await import('../serve/serve.js')
    process.exitCode = await serve(flags)
  })
}
