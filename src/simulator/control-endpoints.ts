import type { IncomingMessage, ServerResponse } from 'node:http'
import { ZodError } from 'zod'
import { sendError, sendJson } from './answers.js'
import { parseJson } from './chat-body.js'
import { conduitError, type FieldMessages } from './envelope.js'
import { type ControlChange, fieldMessages, parseControl } from './options.js'
import { readBody } from './request-body.js'
import { changeWorld, statsOf, type World } from './world.js'

/** `POST /_simulator/control`: changes the world; answers with the statistics. */
export function answerControl(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): void {
  readBody(request, (text) => {
    const read = readChange(text === null ? undefined : parseJson(text))
    if (read.kind === 'invalid') {
      const error = conduitError('VALIDATION_ERROR', { fields: read.fields })
      sendError(response, error, requestId, world.now())
      return
    }
    changeWorld(world, read.change)
    answerStats(world, request, response, requestId)
  })
}

/** `GET /_simulator/stats`. */
export function answerStats(
  world: World,
  _request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): void {
  sendJson(response, 200, requestId, JSON.stringify(statsOf(world)))
}

/** `GET /_simulator/calls`: every prompt that was ever called. */
export function answerCalls(
  world: World,
  _request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): void {
  sendJson(response, 200, requestId, JSON.stringify({ prompts: world.statistics.prompts() }))
}

/** The target of a REDIRECT: nobody should come here, least of all with the key. */
export function answerRedirected(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): void {
  world.statistics.redirectFollowed(request.headers.authorization !== undefined)
  sendJson(response, 200, requestId, '{}')
}

type ReadChange = { kind: 'valid'; change: ControlChange } | { kind: 'invalid'; fields: FieldMessages }

function readChange(patch: unknown): ReadChange {
  try {
    return { kind: 'valid', change: parseControl(patch) }
  } catch (error) {
    if (error instanceof ZodError) return { kind: 'invalid', fields: fieldMessages(error) }
    throw error
  }
}
