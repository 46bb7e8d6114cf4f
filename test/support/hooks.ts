import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { putAwayAfterEach } from './put-away.js'

const closers = new Set<() => void>()

/** A place where alerts are posted; what it has taken is in `alerts`. */
export interface HookServer {
  readonly url: string
  readonly alerts: { readonly id: string; readonly type: string }[]
  /** Posts that came, taken or not. */
  readonly calls: number
  /** The next few posts are answered with this. */
  refuse(count: number, status: number): void
  /** Answers what hangs, and all that comes from then on. */
  release(): void
}

/** @param says what it answers, beside its status */
export async function hookServer({ hangs = false, path = 'hook', says = '' } = {}): Promise<HookServer> {
  const alerts: HookServer['alerts'] = []
  let calls = 0
  let refused = { count: 0, status: 500 }
  let release = (): void => {}
  const released = hangs
    ? new Promise<void>((resolve) => {
        release = resolve
      })
    : Promise.resolve()
  const server = createServer(async (request, response) => {
    calls++
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    await released
    const status = refused.count-- > 0 ? refused.status : 204
    if (status < 300) alerts.push(JSON.parse(Buffer.concat(parts).toString()))
    response.writeHead(status).end(status === 204 ? undefined : says)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.add(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${path}`,
    alerts,
    get calls() {
      return calls
    },
    refuse(count, status) {
      refused = { count, status }
    },
    release: () => release(),
  }
}

putAwayAfterEach(() => {
  for (const close of closers) close()
  closers.clear()
})
