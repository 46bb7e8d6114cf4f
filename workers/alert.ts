// `node dist/workers/alert.js`: a process that delivers the alerts of all queues that are set up.
import { startEntryPoint } from './entry-point.js'

await startEntryPoint('alert')
