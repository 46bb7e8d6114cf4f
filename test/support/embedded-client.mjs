// A process that uses the private server of a data directory (argv[2]), driven over stdin: each line is a command,
// each is answered by a line of JSON. Plain JavaScript on dist/, because Node.js 20 runs no TypeScript.
import { createInterface } from 'node:readline'
import { Redis } from 'ioredis'
import { joinServer } from '../../dist/src/redis/server/join.js'

const [, , dataDir] = process.argv
let membership

const commands = {
  ready: () => ({}),
  async join() {
    membership = await joinServer({ dataDir, searchPath: process.env.PATH })
    return { started: membership.started, socketPath: membership.socketPath }
  },
  async leave() {
    await membership.leave()
    return {}
  },
  /** Joins, counts one up, leaves, so many times. */
  async churn(rounds) {
    for (let round = 0; round < Number(rounds); round += 1) {
      const member = await joinServer({ dataDir, searchPath: process.env.PATH })
      const redis = new Redis({ path: member.socketPath })
      await redis.incr('churned')
      await redis.quit()
      await member.leave()
    }
    return {}
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, argument] = line.split(' ')
  process.stdout.write(`${JSON.stringify(await commands[name](argument))}\n`)
}
