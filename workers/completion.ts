// `node dist/workers/completion.js`: a process that makes the calls of all queues that are set up.
import { startEntryPoint } from './entry-point.js'

await startEntryPoint('completion')
