import type { IncomingMessage, ServerResponse } from 'node:http'
import { sendError, sendJson } from './answers.js'
import { sendBrokenAnswer, statusOfBrokenAnswer } from './broken-answers.js'
import { parseJson, promptKeyOfRequest } from './chat-body.js'
import { type Decision, decide } from './decision.js'
import { conduitError } from './envelope.js'
import type { PromptRecord } from './prompt-records.js'
import { rateLimitHeaders } from './rate-limit-headers.js'
import { readBody } from './request-body.js'
import { drawLatencyMs, type World } from './world.js'

/** `POST /v1/chat/completions`: counted on arrival, decided and billed when read, answered after the latency. */
export function answerChat(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): void {
  world.statistics.arrived()
  let timer: NodeJS.Timeout | undefined
  let completedPrompt: PromptRecord | undefined
  response.on('close', () => {
    clearTimeout(timer)
    world.statistics.left()
    if (completedPrompt === undefined) return
    if (response.writableFinished) world.statistics.delivered()
    else world.statistics.undelivered(completedPrompt)
  })

  readBody(request, (text) => {
    if (text === null) {
      sendError(
        response,
        conduitError('BAD_REQUEST', { message: 'The body is too large' }),
        requestId,
        world.now(),
      )
      return
    }
    const parsed = parseJson(text)
    const prompt = world.statistics.prompt(promptKeyOfRequest(parsed, text))
    const decision = decide(world, {
      requestId,
      authorization: request.headers.authorization,
      parsed,
      prompt,
    })
    count(world, prompt, decision)
    if (decision.kind === 'completed') completedPrompt = prompt
    for (const [name, value] of rateLimitHeaders(world, request.headers.authorization)) {
      response.setHeader(name, value)
    }

    const delayMs = delayOf(world, decision)
    if (delayMs === 0) deliver(world, response, requestId, decision)
    else timer = setTimeout(() => deliver(world, response, requestId, decision), delayMs)
  })
}

function count({ statistics }: World, prompt: PromptRecord, decision: Decision): void {
  switch (decision.kind) {
    case 'completed':
      statistics.completed(prompt)
      statistics.decided(prompt, 200, null, null)
      return
    case 'refused':
      statistics.decided(prompt, decision.error.status, decision.error.code, null)
      return
    case 'fault':
      statistics.decided(prompt, decision.error.status, decision.error.code, decision.name)
      return
    case 'broken':
      if (decision.name === 'LOST_ANSWER') statistics.lost(prompt)
      statistics.decided(prompt, statusOfBrokenAnswer(decision.name), null, decision.name)
  }
}

function delayOf(world: World, decision: Decision): number {
  const { latencyMs, refusalLatencyMs } = world.settings
  return drawLatencyMs(world, decision.kind === 'refused' ? refusalLatencyMs : latencyMs)
}

function deliver(world: World, response: ServerResponse, requestId: string, decision: Decision): void {
  if (response.destroyed) return
  switch (decision.kind) {
    case 'completed':
      sendJson(response, 200, requestId, decision.json)
      return
    case 'broken':
      sendBrokenAnswer(decision.name, {
        response,
        requestId,
        completionJson: decision.completionJson,
        nowMs: world.now(),
      })
      return
    case 'refused':
    case 'fault':
      sendError(response, decision.error, requestId, world.now())
      if (decision.error.status === 402) world.statistics.sent402()
  }
}
