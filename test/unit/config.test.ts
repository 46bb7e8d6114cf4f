import { resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidConfig, loadConfig } from '../../src/config.js'

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
  'CONDUIT_BATCH_LOG_LEVEL',
  'CONDUIT_BATCH_KEY_PREFIX',
]

describe('the configuration', () => {
  it('is Conduit itself and the present directory when nothing is set', () => {
    expect(loadConfig({})).toEqual({
      apiKey: null,
      apiKeyFile: null,
      baseUrl: 'https://api.conduit.im/v1',
      billingUrl: 'https://conduit.im/api/billing',
      redisUrl: null,
      dataDirectory: resolve('.conduit-batch'),
      searchPath: '',
      alertWebhook: null,
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
      CONDUIT_BATCH_LOG_LEVEL: 'debug',
      CONDUIT_BATCH_KEY_PREFIX: 'mine',
      PATH: '/usr/bin',
      HOME: '/root',
    }
    expect(loadConfig(env)).toEqual({
      apiKey: 'sk-1',
      apiKeyFile: null,
      baseUrl: 'http://127.0.0.1:1/v1',
      billingUrl: 'http://127.0.0.1:1/api/billing',
      redisUrl: 'redis://127.0.0.1:6379/0',
      dataDirectory: '/data',
      searchPath: '/usr/bin',
      alertWebhook: 'https://hooks.test/x',
      logLevel: 'debug',
      keyPrefix: 'mine',
    })
    expect(loadConfig({ CONDUIT_API_KEY_FILE: '/run/key' }).apiKeyFile).toBe('/run/key')
  })

  it('is what the flags say where they say something', () => {
    const env = { CONDUIT_BATCH_DATA_DIR: '/from-env' }
    expect(loadConfig(env, { dataDir: '/from-flag' }).dataDirectory).toBe('/from-flag')
    expect(loadConfig(env, {}).dataDirectory).toBe('/from-env')
  })

  it.each(NAMES)('is the same whether %s is empty, blank or not set', (name) => {
    expect(loadConfig({ [name]: '' })).toEqual(loadConfig({}))
    expect(loadConfig({ [name]: '  ' })).toEqual(loadConfig({}))
  })

  it('ignores blanks around a value, as a file of settings may have them', () => {
    expect(loadConfig({ CONDUIT_API_KEY: ' sk-1\n' }).apiKey).toBe('sk-1')
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
      CONDUIT_BATCH_LOG_LEVEL: 'loud',
      CONDUIT_BATCH_KEY_PREFIX: '{mine}',
      CONDUIT_BATCH_DATADIR: '/data',
    })
    expect(problems).toHaveLength(7)
    for (const name of [
      'CONDUIT_API_KEY and CONDUIT_API_KEY_FILE',
      'CONDUIT_BASE_URL',
      'CONDUIT_BILLING_URL',
      'CONDUIT_BATCH_ALERT_WEBHOOK',
      'CONDUIT_BATCH_LOG_LEVEL',
      'CONDUIT_BATCH_KEY_PREFIX',
      'CONDUIT_BATCH_DATADIR',
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
    expect(problem).toContain('CONDUIT_BATCH_DATA_DIR')
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

  it('never repeat a key', () => {
    const env = {
      CONDUIT_API_KEY: 'sk-secret-1',
      CONDUIT_API_KEY_FILE: 'sk-secret-2',
      CONDUIT_BASE_URL: 'sk-3',
    }
    expect(problemsOf(env).join()).not.toContain('sk-')
  })

  it.each(['mine', 'a', 'team-1_x', 'A'.repeat(63)])('take %s for a key prefix', (prefix) => {
    expect(loadConfig({ CONDUIT_BATCH_KEY_PREFIX: prefix }).keyPrefix).toBe(prefix)
  })

  it.each(['-x', '_x', 'a b', 'a:b', '{a}', 'ä', 'A'.repeat(64)])('refuse %s as a key prefix', (prefix) => {
    expect(problemsOf({ CONDUIT_BATCH_KEY_PREFIX: prefix })).toHaveLength(1)
  })
})
