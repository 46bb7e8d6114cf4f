import { resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ConfigFlags, InvalidConfig, loadConfig } from '../../src/config.js'

function problemsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadConfig(env)
    return []
  } catch (error) {
    if (error instanceof InvalidConfig) return error.problems
    throw error
  }
}

const NAMES = [
  'CONDUIT_API_KEY',
  'CONDUIT_API_KEY_FILE',
  'CONDUIT_BASE_URL',
  'CONDUIT_BILLING_URL',
  'REDIS_URL',
  'CONDUIT_BATCH_DATA_DIR',
  'CONDUIT_BATCH_ALERT_WEBHOOK',
  'CONDUIT_BATCH_ALERT_WEBHOOK_SECRET',
  'CONDUIT_BATCH_LOG_LEVEL',
  'CONDUIT_BATCH_KEY_PREFIX',
  'CONDUIT_BATCH_CONFIG',
  'CONDUIT_BATCH_TOKEN',
  'CONDUIT_BATCH_RPM',
  'CONDUIT_BATCH_BALANCE_POLL_SECONDS',
]

const KEY_NAMES = { queue: null, variable: 'CONDUIT_API_KEY', file: 'CONDUIT_API_KEY_FILE' }
const DAY_MS = 86_400_000
const REMINDERS_MS = [3_600_000, 4 * 3_600_000, DAY_MS]
const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
const RETENTION = {
  batchesMs: 30 * DAY_MS,
  inputsMs: 30 * DAY_MS,
  deadLettersMs: 90 * DAY_MS,
  incidentsMs: 90 * DAY_MS,
  mostBatches: 10_000,
  mostDeadLetters: 200_000,
}

/** Everything there is to say of the only queue of an environment. */
function read(env: NodeJS.ProcessEnv, flags: ConfigFlags = {}) {
  const { queue, keySource, assertQueue, ...rest } = loadConfig(env, flags)
  return { ...rest, queue: queue('default') }
}

describe('the configuration', () => {
  it('is Conduit itself and the present directory when nothing is set', () => {
    expect(read({})).toEqual({
      queues: ['default'],
      queue: {
        queue: 'default',
        apiKey: null,
        apiKeyFile: null,
        keyNames: KEY_NAMES,
        baseUrl: 'https://api.conduit.im/v1',
        billingUrl: 'https://conduit.im/api/billing',
        alerts: { channels: [], remindersMs: REMINDERS_MS },
        concurrency: null,
        requestsPerMinute: null,
        balancePollMs: 30_000,
        autoResume: true,
      },
      retention: RETENTION,
      prices: {},
      token: null,
      redisUrl: null,
      dataDirectory: resolve('.conduit-batch'),
      searchPath: '',
      logLevel: null,
      keyPrefix: 'cb',
    })
  })

  it('is what the environment says', () => {
    const env = {
      CONDUIT_API_KEY: 'sk-1',
      CONDUIT_BASE_URL: 'http://127.0.0.1:1/v1',
      CONDUIT_BILLING_URL: 'http://127.0.0.1:1/api/billing',
      REDIS_URL: 'redis://127.0.0.1:6379/0',
      CONDUIT_BATCH_DATA_DIR: '/data',
      CONDUIT_BATCH_ALERT_WEBHOOK: 'https://hooks.test/x',
      CONDUIT_BATCH_ALERT_WEBHOOK_SECRET: SECRET,
      CONDUIT_BATCH_LOG_LEVEL: 'debug',
      CONDUIT_BATCH_KEY_PREFIX: 'mine',
      CONDUIT_BATCH_TOKEN: 'sixteen-letters!',
      CONDUIT_BATCH_RPM: '600',
      CONDUIT_BATCH_BALANCE_POLL_SECONDS: '2.5',
      PATH: '/usr/bin',
      HOME: '/root',
    }
    expect(read(env)).toEqual({
      queues: ['default'],
      queue: {
        queue: 'default',
        apiKey: 'sk-1',
        apiKeyFile: null,
        keyNames: KEY_NAMES,
        baseUrl: 'http://127.0.0.1:1/v1',
        billingUrl: 'http://127.0.0.1:1/api/billing',
        alerts: {
          channels: [{ type: 'webhook', name: 'webhook', url: 'https://hooks.test/x', secret: SECRET }],
          remindersMs: REMINDERS_MS,
        },
        concurrency: null,
        requestsPerMinute: 600,
        balancePollMs: 2500,
        autoResume: true,
      },
      retention: RETENTION,
      prices: {},
      token: 'sixteen-letters!',
      redisUrl: 'redis://127.0.0.1:6379/0',
      dataDirectory: '/data',
      searchPath: '/usr/bin',
      logLevel: 'debug',
      keyPrefix: 'mine',
    })
    expect(read({ CONDUIT_API_KEY_FILE: '/run/key' }).queue.apiKeyFile).toBe('/run/key')
  })

  it('is what the flags say where they say something', () => {
    const env = { CONDUIT_BATCH_DATA_DIR: '/from-env' }
    expect(loadConfig(env, { dataDir: '/from-flag' }).dataDirectory).toBe('/from-flag')
    expect(loadConfig(env, {}).dataDirectory).toBe('/from-env')
  })

  it('has the ceiling of the flag before that of the environment, for any queue', () => {
    const env = { CONDUIT_BATCH_RPM: '90.5' }
    expect(loadConfig(env).queue('nightly').requestsPerMinute).toBe(90.5)
    expect(loadConfig(env, { rpm: 120 }).queue('nightly').requestsPerMinute).toBe(120)
  })

  it('says how often the balance is asked for, and who lifts a pause: the flag first, then the environment', () => {
    const env = { CONDUIT_BATCH_BALANCE_POLL_SECONDS: '5' }
    expect(loadConfig(env, { balancePoll: 1500 }).queue('default').balancePollMs).toBe(1500)
    expect(loadConfig(env, { autoResume: true }).queue('default').autoResume).toBe(true)
    expect(loadConfig(env, { autoResume: false }).queue('default').autoResume).toBe(false)
  })

  it.each(['0', '0.5', '86401', '30s', '-1'])(
    'refuses %s seconds between two looks at the balance',
    (text) => {
      expect(() => loadConfig({ CONDUIT_BATCH_BALANCE_POLL_SECONDS: text })).toThrow(
        'CONDUIT_BATCH_BALANCE_POLL_SECONDS must be seconds, from 1 to 86400',
      )
    },
  )

  it('sends the key of calls that go elsewhere to no other host for the balance', () => {
    const elsewhere = { CONDUIT_BASE_URL: 'https://proxy.test/v1' }
    expect(loadConfig(elsewhere).queue('default').billingUrl).toBeNull()
    const told = { ...elsewhere, CONDUIT_BILLING_URL: 'https://proxy.test/billing' }
    expect(loadConfig(told).queue('default').billingUrl).toBe('https://proxy.test/billing')
    expect(loadConfig({ CONDUIT_BASE_URL: 'https://api.conduit.im/v2' }).queue('default').billingUrl).toBe(
      'https://conduit.im/api/billing',
    )
  })

  it.each(NAMES)('is the same whether %s is empty, blank or not set', (name) => {
    expect(read({ [name]: '' })).toEqual(read({}))
    expect(read({ [name]: '  ' })).toEqual(read({}))
  })

  it('takes any queue when nothing sets up queues, all with the same key', () => {
    const { apiKey, keyNames } = loadConfig({ CONDUIT_API_KEY: 'sk-1' }).queue('nightly')
    expect({ apiKey, keyNames }).toEqual({ apiKey: 'sk-1', keyNames: KEY_NAMES })
  })

  it('ignores blanks around a value, as a file of settings may have them', () => {
    expect(read({ CONDUIT_API_KEY: ' sk-1\n' }).queue.apiKey).toBe('sk-1')
  })
})

describe('wrong settings', () => {
  it('are told all at once, each by its name', () => {
    const problems = problemsOf({
      CONDUIT_API_KEY: 'sk-1',
      CONDUIT_API_KEY_FILE: '/run/key',
      CONDUIT_BASE_URL: 'api.conduit.im',
      CONDUIT_BILLING_URL: 'ftp://conduit.im',
      CONDUIT_BATCH_ALERT_WEBHOOK: 'yes',
      CONDUIT_BATCH_ALERT_WEBHOOK_SECRET: 'whsec_c2hvcnQ=',
      CONDUIT_BATCH_LOG_LEVEL: 'loud',
      CONDUIT_BATCH_KEY_PREFIX: '{mine}',
      CONDUIT_BATCH_DATADIR: '/data',
      CONDUIT_BATCH_TOKEN: 'fifteen-letters',
      CONDUIT_BATCH_CONFIG: '/nowhere/settings.json',
      REDIS_URL: 'http://127.0.0.1',
    })
    expect(problems).toHaveLength(11)
    for (const name of [
      'CONDUIT_API_KEY and CONDUIT_API_KEY_FILE',
      'CONDUIT_BASE_URL',
      'CONDUIT_BILLING_URL',
      'CONDUIT_BATCH_ALERT_WEBHOOK must',
      'CONDUIT_BATCH_ALERT_WEBHOOK_SECRET must be whsec_ and 24 to 64 random bytes',
      'CONDUIT_BATCH_LOG_LEVEL',
      'CONDUIT_BATCH_KEY_PREFIX',
      'CONDUIT_BATCH_DATADIR',
      'CONDUIT_BATCH_TOKEN must be at least 16 characters',
      '/nowhere/settings.json is not there',
      'REDIS_URL must start with redis://',
    ]) {
      expect(problems.filter((problem) => problem.startsWith(name))).toHaveLength(1)
    }
  })

  it('are all in the message too', () => {
    const env = { CONDUIT_BASE_URL: 'x', CONDUIT_BATCH_DATADIR: '/data' }
    expect(() => loadConfig(env)).toThrow(/CONDUIT_BATCH_DATADIR[\s\S]*CONDUIT_BASE_URL/)
  })

  it('include any CONDUIT_BATCH_ name that is no setting, and say which there are', () => {
    const [problem] = problemsOf({ CONDUIT_BATCH_DATADIR: '/data' })
    expect(problem).toMatch(/did you mean CONDUIT_BATCH_DATA_DIR\? There are: CONDUIT_API_KEY, /)
    const unknown = fc.stringMatching(/^CONDUIT_BATCH_[A-Z_]{0,20}$/).filter((name) => !NAMES.includes(name))
    fc.assert(
      fc.property(unknown, fc.string(), (name, value) => {
        expect(problemsOf({ [name]: value })).toHaveLength(1)
      }),
    )
  })

  it('do not include names of others', () => {
    expect(problemsOf({ CONDUIT_COLOR: 'blue', BATCH: '1', REDIS_HOST: 'x' })).toEqual([])
  })

  it('do not include what Kubernetes tells of a Service with our name', () => {
    const links = (service: string) => ({
      [`${service}_SERVICE_HOST`]: '10.0.0.7',
      [`${service}_SERVICE_PORT`]: '8484',
      [`${service}_SERVICE_PORT_HTTP`]: '8484',
      [`${service}_PORT`]: 'tcp://10.0.0.7:8484',
      [`${service}_PORT_8484_TCP`]: 'tcp://10.0.0.7:8484',
      [`${service}_PORT_8484_TCP_PROTO`]: 'tcp',
      [`${service}_PORT_8484_TCP_PORT`]: '8484',
      [`${service}_PORT_8484_TCP_ADDR`]: '10.0.0.7',
    })
    expect(problemsOf({ ...links('CONDUIT_BATCH'), ...links('CONDUIT_BATCH_BOARD') })).toEqual([])
    expect(problemsOf({ CONDUIT_BATCH_PORT: '8484' })).toHaveLength(1)
  })

  it('never repeat a key', () => {
    const env = {
      CONDUIT_API_KEY: 'sk-secret-1',
      CONDUIT_API_KEY_FILE: 'sk-secret-2',
      CONDUIT_BASE_URL: 'sk-3',
      CONDUIT_BATCH_TOKEN: 'sk-4',
    }
    expect(problemsOf(env).join()).not.toContain('sk-')
  })

  it.each(['0', '0.9', '-5', 'fast', '1e3', '60/min', 'NaN', 'Infinity'])(
    'include %s as a ceiling',
    (rpm) => {
      expect(problemsOf({ CONDUIT_BATCH_RPM: rpm })).toEqual([
        'CONDUIT_BATCH_RPM must be a number of requests a minute, 1 or more',
      ])
    },
  )

  it.each(['mine', 'a', 'team-1_x', 'A'.repeat(63)])('take %s for a key prefix', (prefix) => {
    expect(loadConfig({ CONDUIT_BATCH_KEY_PREFIX: prefix }).keyPrefix).toBe(prefix)
  })

  it.each(['-x', '_x', 'a b', 'a:b', '{a}', 'ä', 'A'.repeat(64)])('refuse %s as a key prefix', (prefix) => {
    expect(problemsOf({ CONDUIT_BATCH_KEY_PREFIX: prefix })).toHaveLength(1)
  })
})
