import { z } from 'zod'
import { signingSecretProblem } from '../alerts/signing.js'
import { redisUrlProblem } from '../redis/target.js'
import { knownNames } from './nearest.js'
import { PER_MINUTE, perMinute } from './per-minute.js'
import { POLL_SECONDS, pollSeconds } from './poll-seconds.js'
import { apiUrlProblem, HTTP_URL, isHttpUrl } from './url.js'

/** An environment variable that is set to nothing is not set. */
const text = z
  .string()
  .trim()
  .transform((value) => (value === '' ? undefined : value))
  .optional()

/** A variable that must be right if it is set. */
const checked = (problemOf: (value: string) => string | null) =>
  text.superRefine((value, context) => {
    const problem = value === undefined ? null : problemOf(value)
    if (problem !== null) context.addIssue(problem)
  })

const matching = (holds: (value: string) => boolean, problem: string) =>
  checked((value) => (holds(value) ? null : problem))

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
const SHORTEST_TOKEN = 16

const schema = z.object({
  CONDUIT_API_KEY: text,
  CONDUIT_API_KEY_FILE: text,
  CONDUIT_BASE_URL: checked(apiUrlProblem),
  CONDUIT_BILLING_URL: checked(apiUrlProblem),
  REDIS_URL: checked(redisUrlProblem),
  CONDUIT_BATCH_CONFIG: text,
  CONDUIT_BATCH_DATA_DIR: text,
  CONDUIT_BATCH_ALERT_WEBHOOK: matching(isHttpUrl, HTTP_URL),
  CONDUIT_BATCH_ALERT_WEBHOOK_SECRET: checked(signingSecretProblem),
  CONDUIT_BATCH_TOKEN: matching(
    (value) => /^[\x21-\x7e]+$/.test(value) && value.length >= SHORTEST_TOKEN,
    `must be at least ${SHORTEST_TOKEN} characters of visible ASCII without spaces; make one with: openssl rand -hex 24`,
  ),
  CONDUIT_BATCH_RPM: matching((value) => perMinute(value) !== null, PER_MINUTE)
    .transform((value) => (value === undefined ? undefined : Number(value)))
    .optional(),
  CONDUIT_BATCH_BALANCE_POLL_SECONDS: matching((value) => pollSeconds(value) !== null, POLL_SECONDS)
    .transform((value) => (value === undefined ? undefined : Number(value)))
    .optional(),
  CONDUIT_BATCH_LOG_LEVEL: text.pipe(
    z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` }).optional(),
  ),
  CONDUIT_BATCH_KEY_PREFIX: matching(
    (value) => /^[A-Za-z0-9][\w-]{0,62}$/.test(value),
    'must be letters, digits, "_" and "-"',
  ),
})

const KNOWN = Object.keys(schema.shape)

/** What Kubernetes tells each container of a Service called `conduit-batch` or `conduit-batch-…`. */
const SERVICE_LINK =
  /^CONDUIT_BATCH_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/

function isServiceLink(name: string, value = ''): boolean {
  // A port alone, as somebody might set it for us, is none.
  return SERVICE_LINK.test(name) || (name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value))
}

/** What a command is told of an alert (src/alerts/channels/command.ts), in case it starts us again. */
const OF_ALERT = /^CONDUIT_BATCH_ALERT_(ID|TYPE|QUEUE|TITLE|TEXT|ACTION|LINK|COMMAND)$/

export type EnvironmentSettings = z.infer<typeof schema>

/**
 * Checks our part of an environment.
 * @param alsoKnown variables that the file of settings names
 */
export function checkEnvironment(
  env: NodeJS.ProcessEnv,
  alsoKnown: readonly string[],
): { settings: EnvironmentSettings; problems: readonly string[] } {
  const known = [...KNOWN, ...alsoKnown]
  const problems = Object.keys(env)
    .filter((name) => name.startsWith('CONDUIT_BATCH_') && !known.includes(name))
    .filter((name) => !isServiceLink(name, env[name]) && !OF_ALERT.test(name))
    .map((name) => `${name} is not a setting; ${knownNames(name, KNOWN)}`)
  const parsed = schema.safeParse(env)
  if (!parsed.success) {
    problems.push(...parsed.error.issues.map(({ path, message }) => `${path.join()} ${message}`))
  }
  const settings = parsed.data ?? {}
  if (env.CONDUIT_API_KEY?.trim() && env.CONDUIT_API_KEY_FILE?.trim()) {
    problems.push('CONDUIT_API_KEY and CONDUIT_API_KEY_FILE are both set; set one')
  }
  return { settings, problems }
}
