import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { FastifyAdapter } from '@bull-board/fastify'
import type { FastifyInstance } from 'fastify'
import { DEAD_LETTERS } from '../completions/queues.js'
import type { BoardQueue } from './board-queues.js'
import { refuse } from './refusal.js'

/** Where bull-board is. */
export const BOARD_PATH = '/queues'

const READING = ['GET', 'HEAD']

/**
 * Shows the queues in bull-board, to look at only: a job that is removed or retried there would leave our indexes,
 * done bits and counters behind. `resume`, `cancel` and `dead-letters` do it right.
 */
export function addBoard(app: FastifyInstance, queues: readonly BoardQueue[]): void {
  const adapter = new FastifyAdapter()
  createBullBoard({
    queues: queues.map(boardAdapter),
    serverAdapter: adapter,
    options: {
      uiConfig: { boardTitle: 'conduit-batch', pollingInterval: { showSetting: true } },
    },
  })
  // What an adapter throws is for the handler of the whole server: bull-board's would send the message.
  adapter.setErrorHandler((error) => {
    throw error
  })
  adapter.setBasePath(BOARD_PATH)
  app.register(async (scope) => {
    scope.addHook('onRequest', async (request, reply) => {
      if (READING.includes(request.method)) return
      reply.header('allow', READING.join(', '))
      return refuse(request, reply, {
        status: 405,
        code: 'read_only',
        message:
          'Queues can only be looked at here. On the command line: conduit-batch pause, resume, cancel, dead-letters.',
      })
    })
    await scope.register(adapter.registerPlugin(), { prefix: BOARD_PATH })
  })
}

/** `default / completions`, grouped by the queue. */
function boardAdapter({ queue, bull }: BoardQueue): BullMQAdapter {
  const adapter = new BullMQAdapter(bull, {
    readOnlyMode: true,
    prefix: `${queue}:`,
    delimiter: ':',
    displayName: `${queue} / ${bull.name}`,
  })
  // Dead letters wait for a person: that no worker takes them is no trouble to warn of.
  if (bull.name === DEAD_LETTERS) adapter.getWorkers = async () => null
  return adapter
}
