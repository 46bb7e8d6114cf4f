import type { IncomingMessage } from 'node:http'

/** No prompt is longer; what lies beyond is not kept. */
const MAX_BODY_BYTES = 64 * 1024 * 1024

/** Calls `done` with the whole body as text, or with null when it is too long. Never, when the client goes away. */
export function readBody(request: IncomingMessage, done: (text: string | null) => void): void {
  const chunks: Buffer[] = []
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk)
  })
  request.on('end', () => {
    if (bytes > MAX_BODY_BYTES) done(null)
    else done(chunks.length === 1 ? String(chunks[0]) : Buffer.concat(chunks).toString())
  })
}
