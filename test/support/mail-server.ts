import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { MAIL_CERTIFICATE } from './mail-certificate.js'
import { putAwayAfterEach } from './put-away.js'

/** A mail as the server got it. */
export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  /** Headers and text. */
  readonly raw: string
  readonly user: string | null
  readonly secure: boolean
}

const servers = new Set<SMTPServer>()

/** A real SMTP server with STARTTLS; it takes every mail, but for addresses that begin with "no". */
export async function receiveMail(
  options: SMTPServerOptions & { readonly password?: string } = {},
): Promise<{ readonly port: number; readonly mails: ReceivedMail[] }> {
  const { password, ...others } = options
  const mails: ReceivedMail[] = []
  const server = new SMTPServer({
    ...MAIL_CERTIFICATE,
    authOptional: password === undefined,
    onAuth({ username = '', password: given }, _session, callback) {
      if (given === password) callback(null, { user: username })
      else callback(Object.assign(new Error(`no such password: ${given}`), { responseCode: 535 }))
    },
    onRcptTo({ address }, _session, callback) {
      callback(
        address.startsWith('no') ? Object.assign(new Error(`no ${address}`), { responseCode: 550 }) : null,
      )
    },
    onData(stream, { envelope, user, secure }, callback) {
      const parts: Buffer[] = []
      stream.on('data', (part: Buffer) => parts.push(part))
      stream.on('end', () => {
        mails.push({
          from: envelope.mailFrom === false ? '' : envelope.mailFrom.address,
          to: envelope.rcptTo.map(({ address }) => address),
          raw: Buffer.concat(parts).toString(),
          user: user ?? null,
          secure,
        })
        callback()
      })
    },
    ...others,
  })
  server.on('error', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  servers.add(server)
  return { port: (server.server.address() as AddressInfo).port, mails }
}

putAwayAfterEach(async () => {
  await Promise.all([...servers].map((server) => new Promise<void>((done) => server.close(done))))
  servers.clear()
})
