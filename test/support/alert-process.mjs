// A process with the alert role of a queue. argv[2] is JSON: { redisUrl, keyPrefix, channels }. It says so once it is
// ready, begins with the first line on stdin, and ends only by a signal.
// Plain JavaScript on dist/, because Node.js 20 runs no TypeScript.
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import pino from 'pino'
import { openSession } from '../../dist/src/batches/session.js'
import { startAlertRole } from '../../dist/workers/alert-role.js'

const { redisUrl, keyPrefix, channels } = JSON.parse(process.argv[2])
const session = await openSession({
  target: { url: redisUrl },
  keyPrefix,
  queue: 'default',
  role: 'worker',
  onRedisLost: () => undefined,
  onWarning: () => undefined,
})
process.stdout.write('ready\n')
await once(process.stdin, 'data')
const alerts = startAlertRole(session, { channels, remindersMs: [] }, pino({ level: 'silent' }))
// Housekeeping looks twice a second; a kill in between would meet nothing.
for (;;) {
  await alerts.enqueue()
  await delay(2)
}
