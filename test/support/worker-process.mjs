// A process with the completions role of a queue, which beats as workers/roles.ts lets it. argv[2] is JSON:
// { redisUrl, keyPrefix, baseUrl, concurrency, name }. Says what it is called once it works (`name`, or as its process
// is); ends only by a signal.
// Plain JavaScript on dist/, because Node.js 20 runs no TypeScript.
import pino from 'pino'
import { openSession } from '../../dist/src/batches/session.js'
import { createFleet } from '../../dist/src/completions/fleet.js'
import { createKeyHolder } from '../../dist/src/completions/key-holder.js'
import { createConduitClient } from '../../dist/src/conduit/client.js'
import { currentProcess, formatProcess } from '../../dist/src/process-identity.js'
import { createAdmission } from '../../dist/workers/admission.js'
import { startCompletionWorker } from '../../dist/workers/completion-worker.js'
import { createHandleDeps } from '../../dist/workers/handle-deps.js'
import { startHousekeeping } from '../../dist/workers/housekeeping.js'

const { redisUrl, keyPrefix, baseUrl, concurrency, name } = JSON.parse(process.argv[2])
const log = pino({ level: 'warn' }, pino.destination(2))
const onTrouble = () => undefined
const session = await openSession({
  target: { url: redisUrl },
  keyPrefix,
  queue: 'default',
  role: 'worker',
  onRedisLost: () => undefined,
  onWarning: () => undefined,
})
const { redis, keys, completions } = session
const workerName = name ?? formatProcess(currentProcess())
const fleet = createFleet(redis, keys, completions, workerName)
await fleet.beat()

const keyHolder = await createKeyHolder({ apiKey: 'sk-simulator', apiKeyFile: null })
const conduit = createConduitClient({ baseUrl })
const admission = createAdmission(session, keyHolder, log)
const deps = createHandleDeps({ session, admission, conduit, keyHolder, workerName, log, onTrouble })
startCompletionWorker({ redis, keys, concurrency, log, deps, onTrouble })
startHousekeeping({ steps: [fleet.beat], log })
process.stdout.write(`${workerName}\n`)
