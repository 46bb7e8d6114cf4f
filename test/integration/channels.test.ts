import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { sendThrough } from '../../src/alerts/channels/channel.js'
import { runCommand, toldTo } from '../../src/alerts/channels/command.js'
import type { ChannelSettings } from '../../src/alerts/settings.js'
import { sign } from '../../src/alerts/signing.js'
import { processWithPid } from '../../src/process-identity.js'
import { incidentAlert, resolvedAlert, TEST } from '../support/alerts.js'
import { eventually } from '../support/eventually.js'
import { receiveMail } from '../support/mail-server.js'
import { putAwayAfterEach } from '../support/put-away.js'
import { temporaryDirectory } from '../support/roles.js'

const SECRET = `whsec_${Buffer.alloc(32, 3).toString('base64')}`
const closers = new Set<() => void>()
putAwayAfterEach(async () => {
  for (const close of closers) close()
  closers.clear()
})

interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

async function receiver(status = 204): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    received.push({ headers: request.headers, body: Buffer.concat(parts).toString() })
    response.writeHead(status, { location: '/elsewhere' }).end('what it says is nobody’s business')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.add(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hush`, received }
}

describe('a channel that is told by HTTP', () => {
  it('gets the signed alert, and it is genuine by the body as it arrives', async () => {
    const { url, received } = await receiver()
    await sendThrough({ type: 'webhook', name: 'w', url, secret: SECRET }, incidentAlert())
    const [{ headers, body } = { headers: {}, body: '' }] = received
    expect(JSON.parse(body)).toEqual(incidentAlert())
    expect(headers['content-type']).toBe('application/json')
    expect(headers['webhook-id']).toBe('i1-opened')
    const timestamp = String(headers['webhook-timestamp'])
    expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(60)
    expect(headers['webhook-signature']).toBe(sign(SECRET, 'i1-opened', timestamp, body))
  })

  it('gets the user and password of its URL', async () => {
    const { url, received } = await receiver()
    const withUser = url.replace('//', '//me:p%40ss@')
    await sendThrough({ type: 'webhook', name: 'w', url: withUser, secret: null }, TEST)
    const encoded = Buffer.from('me:p@ss').toString('base64')
    expect(received[0]?.headers.authorization).toBe(`Basic ${encoded}`)
  })

  it('gets one message, and PagerDuty two events for a test', async () => {
    const { url, received } = await receiver(202)
    await sendThrough({ type: 'slack', name: 's', url }, TEST)
    await sendThrough({ type: 'discord', name: 'd', url }, TEST)
    await sendThrough({ type: 'pagerduty', name: 'p', url, routingKey: 'R0' }, TEST)
    const bodies = received.map(({ body }) => JSON.parse(body))
    expect(bodies).toMatchObject([
      { blocks: expect.any(Array) },
      { embeds: expect.any(Array) },
      { event_action: 'trigger' },
      { event_action: 'resolve' },
    ])
  })

  it.each([301, 400, 404, 429, 500])('has failed when it answers %i, and says no more', async (status) => {
    const { url, received } = await receiver(status)
    const sending = sendThrough({ type: 'slack', name: 's', url }, TEST)
    await expect(sending).rejects.toMatchObject({ code: 'channel_failed', message: `it answered ${status}` })
    expect(received).toHaveLength(1)
  })

  it("has failed when it can't be reached", async () => {
    const sending = sendThrough({ type: 'slack', name: 's', url: 'http://127.0.0.1:1/hush' }, TEST)
    await expect(sending).rejects.toMatchObject({ message: "it can't be reached (ECONNREFUSED)" })
  })
})

describe('a mail', () => {
  const email = (smtpUrl: string, to: string[] = ['ops@x.test', 'boss@x.test']): ChannelSettings => {
    return { type: 'email', name: 'e', smtpUrl, from: 'Batches <batches@x.test>', to }
  }

  it('goes by STARTTLS with user and password, as plain text in one thread', async () => {
    const { port, mails } = await receiveMail({ password: 'hush:/@é' })
    const channel = email(
      `smtp://me:${encodeURIComponent('hush:/@é')}@127.0.0.1:${port}?tls.rejectUnauthorized=false&logger=true`,
    )
    // Which the URL asks nodemailer to do.
    const printed = vi.spyOn(console, 'log')
    await sendThrough(channel, incidentAlert())
    await sendThrough(channel, resolvedAlert())
    expect(printed).not.toHaveBeenCalled()
    printed.mockRestore()
    expect(mails).toMatchObject([
      { from: 'batches@x.test', to: ['ops@x.test', 'boss@x.test'], user: 'me', secure: true },
      { user: 'me', secure: true },
    ])
    const [first, second] = mails.map(({ raw }) => raw)
    expect(first).toMatch(/^Message-ID: <i1-opened@conduit-batch\.invalid>$/im)
    expect(first).toMatch(/^Content-Type: text\/plain; charset=utf-8$/im)
    expect(first).not.toMatch(/text\/html/i)
    expect(first).toMatch(/^Waiting: {7}41,209 requests, about \$12\.40 to finish$/m)
    expect(second).toMatch(/^In-Reply-To: <i1-opened@conduit-batch\.invalid>$/im)
  })

  it('goes to a server without TLS and password too, but never a password without TLS to another machine', async () => {
    const { port, mails } = await receiveMail({ hideSTARTTLS: true })
    await sendThrough(email(`smtp://127.0.0.1:${port}`), TEST)
    expect(mails).toMatchObject([{ user: null, secure: false }])
    // Another name of this machine, which is taken for another one.
    const elsewhere = sendThrough(email(`smtp://me:hush@127.0.0.2:${port}`), TEST)
    await expect(elsewhere).rejects.toThrow(/^the mail was not taken \(/)
    expect(mails).toHaveLength(1)
  })

  it('has failed when the server refuses the password, without saying it', async () => {
    const { port } = await receiveMail({ password: 'other' })
    const sending = sendThrough(email(`smtp://me:hush@127.0.0.1:${port}?tls.rejectUnauthorized=false`), TEST)
    await expect(sending).rejects.toMatchObject({
      message: 'the mail was not taken (EAUTH, the server answered 535)',
      final: false,
    })
  })

  it('has failed for good when some addresses are refused: the others have it', async () => {
    const { port, mails } = await receiveMail({ hideSTARTTLS: true })
    const some = sendThrough(email(`smtp://127.0.0.1:${port}`, ['ops@x.test', 'nobody@x.test']), TEST)
    await expect(some).rejects.toMatchObject({ message: '1 of its addresses is refused', final: true })
    expect(mails).toHaveLength(1)
    const all = sendThrough(email(`smtp://127.0.0.1:${port}`, ['nobody@x.test']), TEST)
    await expect(all).rejects.toMatchObject({ final: false })
  })
})

describe('a command', () => {
  const told = toldTo(incidentAlert())
  const environment = { PATH: '/usr/bin:/bin' }
  const sh = (directory: string, script: string) => ({
    command: ['/bin/sh', '-c', script, 'sh', '$(touch by-shell)'],
    directory,
    environment,
  })

  it('gets the alert on stdin, words in its environment, and arguments that no shell reads', async () => {
    const directory = await temporaryDirectory()
    const script = 'cat > stdin; printenv > env; printf %s "$1" > argument'
    await runCommand(told, sh(directory, script))
    const written = (name: string) => readFileSync(join(directory, name), 'utf8')
    expect(JSON.parse(written('stdin'))).toEqual(incidentAlert())
    expect(written('env')).toContain('CONDUIT_BATCH_ALERT_COMMAND=conduit-batch resume\n')
    expect(written('env')).toContain('CONDUIT_BATCH_ALERT_TITLE=Queue default waits: ')
    // Of our own environment nothing that was not given.
    expect(written('env')).not.toContain(`VITEST`)
    expect(written('argument')).toBe('$(touch by-shell)')
    expect(existsSync(join(directory, 'by-shell'))).toBe(false)
  })

  it('need not read what it is told', async () => {
    const big = { ...told, input: 'x'.repeat(1_000_000) }
    await runCommand(big, sh(await temporaryDirectory(), 'exit 0'))
  })

  it('has failed when it ends with another code, by a signal, or is not there', async () => {
    const directory = await temporaryDirectory()
    const failing = (script: string) => runCommand(told, sh(directory, script))
    await expect(failing('echo hush >&2; exit 3')).rejects.toMatchObject({
      message: 'the command ended with 3',
    })
    await expect(failing('kill -TERM $$')).rejects.toThrow('the command was ended by SIGTERM')
    const missing = runCommand(told, { command: ['./nowhere'], directory, environment })
    await expect(missing).rejects.toThrow("the command can't be run (ENOENT)")
  })

  it('is killed when it takes too long, with what it started', async () => {
    const directory = await temporaryDirectory()
    const slow = runCommand(told, sh(directory, 'sleep 300 & echo $! > pid; wait'), 500)
    await expect(slow).rejects.toThrow('the command took over 0.5 s')
    const pid = Number(readFileSync(join(directory, 'pid'), 'utf8'))
    await eventually('the sleep is gone', () => processWithPid(pid) === null)
  })
})
