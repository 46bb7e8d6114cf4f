import { z } from 'zod'
import { CHANNEL_NAME, CHANNEL_NAME_RULE, LOG } from '../alerts/settings.js'
import { duration, fields, variable } from './fields.js'
import { HTTP_URL, isHttpUrl, isSmtpUrl, SMTP_URL } from './url.js'

const ADDRESS = 'must be an e-mail address, or a name with one: Batches <batches@example.com>'
const WORDS = 'must be a list of a program and its arguments: ["./tell.sh", "--loud"]'
const CHANNEL_TYPES = ['webhook', 'slack', 'discord', 'pagerduty', 'email', 'command'] as const

const url = (described: string) =>
  z.string(HTTP_URL).refine(isHttpUrl, HTTP_URL).meta({ format: 'uri' }).optional().describe(described)

const urlEnv = (what: string) =>
  variable().optional().describe(`Name of the environment variable that holds ${what}.`)

const address = () => z.string(ADDRESS).regex(/^[^\r\n]*[^\s@<]@[^\s@>]+>?$/, ADDRESS)

/** What any channel may say. */
function channel<T extends (typeof CHANNEL_TYPES)[number], S extends z.ZodRawShape>(type: T, shape: S) {
  const named = {
    type: z.literal(type).describe('What kind of channel it is.'),
    name: z
      .string(CHANNEL_NAME_RULE)
      .regex(CHANNEL_NAME, CHANNEL_NAME_RULE)
      .refine((name) => name !== LOG, CHANNEL_NAME_RULE)
      .optional()
      .describe('What it is called by alerts test and alerts list. Default: its type'),
  }
  return fields({ ...named, ...shape })
}

const channels = z.discriminatedUnion(
  'type',
  [
    channel('webhook', {
      url: url('Where alerts are posted as JSON.'),
      urlEnv: urlEnv('that URL'),
      secretEnv: urlEnv('the secret (whsec_…) that signs each alert as Standard Webhooks do'),
      secretFile: z
        .string('must be a path')
        .regex(/\S/, 'must be a path')
        .optional()
        .describe('Instead of secretEnv: a file that holds it, relative to this file.'),
    }),
    channel('slack', { url: url('The incoming webhook of Slack.'), urlEnv: urlEnv('that URL') }),
    channel('discord', { url: url('The webhook of a Discord channel.'), urlEnv: urlEnv('that URL') }),
    channel('pagerduty', {
      routingKeyEnv: variable().describe(
        'Name of the environment variable that holds the integration key (Events API v2).',
      ),
      url: url('Another place for events. Default: https://events.pagerduty.com/v2/enqueue'),
    }),
    channel('email', {
      smtpUrl: z
        .string(SMTP_URL)
        .refine(isSmtpUrl, SMTP_URL)
        .meta({ format: 'uri' })
        .optional()
        .describe('The mail server, smtp:// or smtps://, when it wants no password.'),
      smtpUrlEnv: urlEnv('the URL of the mail server, with user and password'),
      from: address().describe('Who writes.'),
      to: z
        .array(address(), 'must be a list of e-mail addresses')
        .min(1, 'must hold an address')
        .describe('Who is written to.'),
    }),
    channel('command', {
      command: z
        .array(z.string(WORDS), WORDS)
        .min(1, WORDS)
        .refine(([program = '']) => program.trim() !== '', WORDS)
        .describe('A program and its arguments, run without a shell; it gets the alert as JSON on stdin.'),
    }),
  ],
  {
    error: ({ code }) =>
      `must be ${code === 'invalid_union' ? '' : 'an object whose "type" is '}one of ${CHANNEL_TYPES.join(', ')}`,
  },
)

/** `alerts` of the file and of a queue; what excludes each other is in between-fields.ts. */
export const alertFields = fields({
  channels: z
    .array(channels, 'must be a list of channels')
    .optional()
    .describe('Who is told when only a person can help, and when it goes on: any number of each kind.'),
  reminders: z
    .array(duration(), 'must be a list of times like ["1h", "4h", "1d"]')
    .optional()
    .describe(
      'When an incident that is still open is told of again; the last repeats, and [] is never. Default: 1h, 4h, 1d',
    ),
  webhook: url('In short: a channel of the type webhook with this URL.'),
  webhookEnv: urlEnv('that URL'),
}).meta({ not: { required: ['webhook', 'webhookEnv'] } })

export type AlertFields = z.infer<typeof alertFields>
export type ChannelFields = z.infer<typeof channels>
