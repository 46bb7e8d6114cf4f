import type { Alert } from '../alert.js'
import { plainText } from '../plain-text.js'
import type { EmailSettings } from '../settings.js'
import { alertWords } from '../words.js'
import { clip } from './clip.js'
import { ChannelFailed, errorName } from './failed.js'

/** A mail, as nodemailer takes it. */
export interface Mail {
  readonly from: string
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
  readonly messageId: string
  /** The mail that this one goes on from, so that readers show them together. */
  readonly inReplyTo?: string
  readonly references?: string
  readonly headers: Readonly<Record<string, string>>
}

const LONGEST_SUBJECT = 180
const TIMEOUT_MS = 10_000

/** Plain text only: nothing remote to load. The Message-ID is the alert's, so one that a crash repeats is known. */
export function mailOf(alert: Alert, { from, to }: Pick<EmailSettings, 'from' | 'to'>): Mail {
  const words = alertWords(alert)
  const isLater = alert.type === 'incident.resolved' || alert.type === 'incident.reminder'
  const first = isLater ? messageId(`${alert.incident}-opened`) : null
  return {
    from,
    to,
    subject: clip(words.title, LONGEST_SUBJECT),
    text: `${words.title}\n\n${plainText(words)}`,
    messageId: messageId(alert.id),
    ...(first === null ? {} : { inReplyTo: first, references: first }),
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Conduit-Batch': alert.type },
  }
}

function messageId(id: string): string {
  return `<${id.replace(/[^\w.-]/g, '_')}@conduit-batch.invalid>`
}

/**
 * Sends a mail, within 10 seconds. User and password only go over TLS, but for a server on this machine.
 * @throws ChannelFailed
 */
export async function sendMail(mail: Mail, smtpUrl: string): Promise<void> {
  // Only who sends mail needs it.
  const { createTransport } = await import('nodemailer')
  const transport = createTransport({
    url: withoutLogging(smtpUrl),
    ...(wantsTls(new URL(smtpUrl)) ? { requireTLS: true } : {}),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    dnsTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const deadline = AbortSignal.timeout(TIMEOUT_MS)
  const late = new Promise<never>((_resolve, reject) => {
    deadline.addEventListener('abort', () => reject(new ChannelFailed('the mail server took over 10 s')))
  })
  try {
    const sent = transport.sendMail({ ...mail, to: [...mail.to], headers: { ...mail.headers } })
    const { rejected } = await Promise.race([sent, late])
    // Another try would tell the others again.
    if (rejected.length > 0) {
      const count = rejected.length
      throw new ChannelFailed(`${count} of its addresses ${count === 1 ? 'is' : 'are'} refused`, {
        final: true,
      })
    }
  } catch (error) {
    throw error instanceof ChannelFailed ? error : new ChannelFailed(whyNot(error))
  } finally {
    transport.close()
  }
}

function wantsTls({ protocol, username, hostname, searchParams }: URL): boolean {
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  return protocol === 'smtp:' && username !== '' && !isHere && !searchParams.has('requireTLS')
}

/** nodemailer takes its options from the URL, and these would print what is sent, the password included. */
function withoutLogging(smtpUrl: string): string {
  const url = new URL(smtpUrl)
  for (const option of ['logger', 'debug', 'transactionLog']) url.searchParams.delete(option)
  return url.href
}

/** The server's words are left out: some repeat the user's name, or more. */
function whyNot(error: unknown): string {
  const { responseCode } = error as { readonly responseCode?: unknown }
  const answer = typeof responseCode === 'number' ? `, the server answered ${responseCode}` : ''
  return `the mail was not taken (${errorName(error)}${answer})`
}
