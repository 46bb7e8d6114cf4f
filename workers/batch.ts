// `node dist/workers/batch.js`: a process that feeds and collects the batches of its data directory.
import { startEntryPoint } from './entry-point.js'

await startEntryPoint('batch')
