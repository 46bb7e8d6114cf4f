import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { leaveInterruptsToChildren } from './demo-command.js'
import { deleteKeys } from './demo-keys.js'
import { runLive } from './demo-live.js'
import { runStory } from './demo-story.js'
import { provideRedis } from './development-redis.js'

const MODEL = 'gpt-4o-mini'

function say(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

const {
  values: { live, model },
} = parseArgs({
  options: { live: { type: 'boolean', default: false }, model: { type: 'string', default: MODEL } },
})
if (live && !process.env.CONDUIT_API_KEY && !process.env.CONDUIT_API_KEY_FILE) {
  say('The live demo needs a key. Type: export CONDUIT_API_KEY=…')
  process.exit(1)
}
const redis = await provideRedis(process.env)
leaveInterruptsToChildren()
const directory = resolve('demo-output', live ? 'live' : 'simulated')
const keyPrefix = live ? 'demo-live' : `demo-${process.pid}`
const env = {
  ...process.env,
  // The CLI refuses settings it does not know, and this one is not its own.
  CONDUIT_BATCH_TEST_REDIS: undefined,
  CONDUIT_BATCH_DATA_DIR: join(directory, '.conduit-batch'),
  CONDUIT_BATCH_KEY_PREFIX: keyPrefix,
  ...(redis.redisUrl === null ? {} : { REDIS_URL: redis.redisUrl }),
}
say(`Redis: ${redis.how}`)
try {
  process.exitCode = await (live ? runLive : runStory)({ directory, model, env, say })
} finally {
  if (!live && redis.redisUrl !== null) await deleteKeys(redis.redisUrl, keyPrefix)
  await redis.stop()
}
