import type { ServerResponse } from 'node:http'
import { type ApiError, envelopeJson } from './envelope.js'

/** Sends JSON with the request id (Conduit: every answer carries X-Request-Id). */
export function sendJson(response: ServerResponse, status: number, requestId: string, json: string): void {
  sendText(response, status, requestId, 'application/json; charset=utf-8', json)
}

/** Sends an error in the documented envelope, with its Retry-After where it has one. */
export function sendError(response: ServerResponse, error: ApiError, requestId: string, nowMs: number): void {
  if (error.retryAfter !== undefined) response.setHeader('retry-after', error.retryAfter)
  sendJson(response, error.status, requestId, envelopeJson(error, requestId, nowMs))
}

/** Sends a whole body of any type. */
export function sendText(
  response: ServerResponse,
  status: number,
  requestId: string,
  contentType: string,
  text: string,
): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
    'x-request-id': requestId,
  })
  response.end(text)
}
