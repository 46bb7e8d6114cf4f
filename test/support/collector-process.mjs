// A process that collects one batch, and stops itself (SIGSTOP) right before it writes the first portion to a file.
// argv[2] is JSON: { redisUrl, keyPrefix, dataDirectory, batch }. Once it goes on it says what came of that.
// Plain JavaScript on dist/, because Node.js 20 runs no TypeScript.
import { open } from 'node:fs/promises'
import { openCollector } from '../../dist/src/batches/collector.js'
import { openDataDirectory } from '../../dist/src/batches/data-directory.js'
import { createDirectoryLease } from '../../dist/src/batches/lease.js'
import { openSession } from '../../dist/src/batches/session.js'
import { createDeadLetters } from '../../dist/src/completions/dead-letters/dead-letters.js'
import { currentProcess, formatProcess } from '../../dist/src/process-identity.js'

const { redisUrl, keyPrefix, dataDirectory, batch } = JSON.parse(process.argv[2])
const session = await openSession({
  target: { url: redisUrl },
  keyPrefix,
  queue: 'default',
  role: 'worker',
  onRedisLost: () => undefined,
  onWarning: () => undefined,
})
const { redis, keys, store, deadLetters } = session
const directory = await openDataDirectory(dataDirectory)
const lease = createDirectoryLease(redis, keys, directory.id, formatProcess(currentProcess()))
if (!(await lease.hold())) throw new Error('another process holds the lease')
const { output, errors } = await directory.manifest(batch)
const collector = await openCollector(
  { batch, directory: directory.batch(batch).directory, output, errors },
  {
    redis,
    keys,
    store,
    directoryId: directory.id,
    leaseToken: () => lease.token,
    leaseIsSure: () => lease.isSure,
    bury: createDeadLetters(redis, keys, deadLetters).bury,
  },
)

const file = await open(process.execPath)
const prototype = Object.getPrototypeOf(file)
await file.close()
const { write } = prototype
prototype.write = function (...args) {
  prototype.write = write
  process.kill(process.pid, 'SIGSTOP')
  return write.apply(this, args)
}

const outcome = await collector.collect().then(String, (error) => error.code ?? error.message)
await collector.close()
process.stdout.write(`${outcome}\n`, () => process.exit(0))
