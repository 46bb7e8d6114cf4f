import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createKeyHolder } from '../../src/completions/key-holder.js'
import { type Config, InvalidConfig, loadConfig, UnknownQueue } from '../../src/config.js'

const directory = mkdtempSync(join(tmpdir(), 'cb-config-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
let files = 0

/** Loads the configuration with this file, as `--config` names it. */
function load(settings: unknown, env: NodeJS.ProcessEnv = {}): Config {
  return loadConfig(env, { config: written(settings) })
}

function written(settings: unknown): string {
  const path = join(directory, `${++files}.json`)
  writeFileSync(path, typeof settings === 'string' ? settings : JSON.stringify(settings))
  return path
}

/** What is wrong, without the name of the file that each begins with. */
function problemsOf(settings: unknown, env: NodeJS.ProcessEnv = {}): string[] {
  const config = written(settings)
  try {
    loadConfig(env, { config })
    return []
  } catch (error) {
    if (!(error instanceof InvalidConfig)) throw error
    return error.problems.map((problem) => problem.replace(`${config}: `, ''))
  }
}

const NIGHTLY = {
  apiKeyEnv: 'NIGHTLY_KEY',
  baseUrl: 'http://127.0.0.1:1/v1',
  billingUrl: 'http://127.0.0.1:1/billing',
  limits: { concurrency: 20, requestsPerMinute: 90.5 },
  alerts: { webhookEnv: 'NIGHTLY_HOOK' },
}

describe('the file of settings', () => {
  it('sets up queues, each with its own key, place, limits and alerts', () => {
    const config = load(
      { queues: { nightly: NIGHTLY, default: { apiKeyFile: 'keys/default' }, bulk: {} } },
      {
        NIGHTLY_KEY: ' sk-nightly\n',
        NIGHTLY_HOOK: 'https://hooks.test/n',
        CONDUIT_API_KEY: 'sk-all',
        CONDUIT_BASE_URL: 'http://127.0.0.1:2/v1',
        CONDUIT_BATCH_ALERT_WEBHOOK: 'https://hooks.test/all',
      },
    )
    expect(config.queues).toEqual(['nightly', 'default', 'bulk'])
    expect(config.queue('nightly')).toMatchObject({
      queue: 'nightly',
      apiKey: 'sk-nightly',
      apiKeyFile: null,
      baseUrl: 'http://127.0.0.1:1/v1',
      billingUrl: 'http://127.0.0.1:1/billing',
      alerts: { channels: [{ url: 'https://hooks.test/n' }] },
      concurrency: 20,
      requestsPerMinute: 90.5,
    })
    expect(config.queue('default')).toMatchObject({
      apiKey: null,
      apiKeyFile: join(directory, 'keys/default'),
      baseUrl: 'http://127.0.0.1:2/v1',
      alerts: { channels: [{ url: 'https://hooks.test/all' }] },
      concurrency: null,
      requestsPerMinute: null,
    })
    expect(config.queue('bulk')).toMatchObject({ apiKey: 'sk-all', apiKeyFile: null })
  })

  it('knows no queue but those that it sets up, default included', () => {
    const config = load({ queues: { nightly: {}, bulk: {} } })
    for (const name of ['default', 'nihgtly', 'toString']) {
      expect(() => config.queue(name)).toThrow(
        /There is no queue ".*" in \/.*\.json; there are: nightly, bulk\. Name/,
      )
      expect(() => config.assertQueue(name)).toThrow(UnknownQueue)
    }
  })

  it('may set up no queue: then any name will do', () => {
    const config = load({ $schema: './schema.json' })
    expect([config.queues, config.queue('nightly').queue]).toEqual([['default'], 'nightly'])
  })

  it('says where things are, relative to itself, and flags and environment win over it', () => {
    const settings = { redisUrl: 'redis://file', dataDirectory: 'data' }
    expect(load(settings)).toMatchObject({ redisUrl: 'redis://file', dataDirectory: join(directory, 'data') })
    const env = { REDIS_URL: 'redis://env', CONDUIT_BATCH_DATA_DIR: '/env' }
    expect(load(settings, env)).toMatchObject({ redisUrl: 'redis://env', dataDirectory: '/env' })
    const flags = { config: written(settings), dataDir: '/flag' }
    expect(loadConfig(env, flags)).toMatchObject({ dataDirectory: '/flag' })
  })

  it('says how often the balance is asked for, and whether a pause ends by itself, for all queues', () => {
    const settings = { balancePollSeconds: 2, autoResume: false, queues: { nightly: {} } }
    expect(load(settings).queue('nightly')).toMatchObject({ balancePollMs: 2000, autoResume: false })
    const env = { CONDUIT_BATCH_BALANCE_POLL_SECONDS: '5' }
    expect(load(settings, env).queue('nightly').balancePollMs).toBe(5000)
    expect(() => load({ balancePollSeconds: 0.1 })).toThrow('balancePollSeconds must be seconds, from 1')
  })

  it('is read again when somebody asks where the key of a queue is now', () => {
    const path = written({ queues: { nightly: { apiKeyEnv: 'OLD' } } })
    const config = loadConfig({ OLD: 'sk-old', NEW: 'sk-new' }, { config: path })
    expect(config.keySource('nightly')).toMatchObject({ apiKey: 'sk-old' })
    writeFileSync(path, JSON.stringify({ queues: { nightly: { apiKeyEnv: 'NEW' } } }))
    expect(config.keySource('nightly')).toMatchObject({ apiKey: 'sk-new' })
    expect(config.queue('nightly')).toMatchObject({ apiKey: 'sk-old' })
    writeFileSync(path, JSON.stringify({ queues: { nightly: { apiKey: 'sk' } } }))
    expect(() => config.keySource('nightly')).toThrow(InvalidConfig)
  })

  it('says the ceiling of a queue, but for what flag and environment say', () => {
    const settings = { queues: { slow: { limits: { requestsPerMinute: 60 } }, free: {} } }
    const ceilings = (env: NodeJS.ProcessEnv, flags = {}) => {
      const config = loadConfig(env, { config: written(settings), ...flags })
      return config.queues.map((name) => config.queue(name).requestsPerMinute)
    }
    expect(ceilings({})).toEqual([60, null])
    expect(ceilings({ CONDUIT_BATCH_RPM: '90' })).toEqual([90, 90])
    expect(ceilings({ CONDUIT_BATCH_RPM: '90' }, { rpm: 120 })).toEqual([120, 120])
  })

  it('may name a variable for the URL of Redis, which must then be set, but for REDIS_URL', () => {
    const settings = { redisUrlEnv: 'MY_REDIS' }
    expect(load(settings, { MY_REDIS: 'redis://mine' }).redisUrl).toBe('redis://mine')
    expect(load(settings, { REDIS_URL: 'redis://env' }).redisUrl).toBe('redis://env')
    expect(problemsOf(settings)).toEqual(['redisUrlEnv names MY_REDIS, which is not set'])
    expect(problemsOf(settings, { MY_REDIS: 'http://x' }).join()).toMatch(/^MY_REDIS must start with redis:/)
  })

  it('says how long things are kept', () => {
    const { retention } = load({
      retention: { batches: '12h', inputs: '45m', deadLetters: '2w', incidents: '1d', mostBatches: 5 },
    })
    expect(retention).toEqual({
      batchesMs: 43_200_000,
      inputsMs: 2_700_000,
      deadLettersMs: 1_209_600_000,
      incidentsMs: 86_400_000,
      mostBatches: 5,
      mostDeadLetters: 200_000,
    })
  })

  it('says what models cost, in dollars per million tokens', () => {
    const prices = { 'gpt-4o-mini': { input: 0.15, output: 0.6 } }
    expect(load({ prices }).prices).toEqual(prices)
    expect(problemsOf({ prices: { 'gpt-4o': { input: '$3' } } })).toEqual([
      'prices.gpt-4o.input must be dollars per million tokens, 0 or more',
      'prices.gpt-4o.output must be dollars per million tokens, 0 or more',
    ])
  })

  it('is found by its variable, and in the working directory by its name', () => {
    const inVariable = { CONDUIT_BATCH_CONFIG: written({ queues: { a: {} } }) }
    expect(loadConfig(inVariable).queues).toEqual(['a'])
    expect(loadConfig(inVariable, { config: written({ queues: { b: {} } }) }).queues).toEqual(['b'])
    const before = process.cwd()
    const there = join(directory, 'there')
    mkdirSync(there)
    writeFileSync(join(there, 'conduit-batch.config.json'), '\uFEFF{"queues": {"c": {}}}')
    // Test files run in processes of their own.
    process.chdir(there)
    try {
      expect(loadConfig({}).queues).toEqual(['c'])
      expect(() => loadConfig({}).queue('d')).toThrow(/in conduit-batch\.config\.json;/)
    } finally {
      process.chdir(before)
    }
  })

  it('may name variables that begin like ours', () => {
    const queue = { apiKeyEnv: 'CONDUIT_BATCH_KEY', alerts: { webhookEnv: 'CONDUIT_BATCH_HOOK' } }
    const env = { CONDUIT_BATCH_KEY: 'x', CONDUIT_BATCH_HOOK: 'https://h', CONDUIT_BATCH_REDIS: 'redis://x' }
    expect(problemsOf({ redisUrlEnv: 'CONDUIT_BATCH_REDIS', queues: { default: queue } }, env)).toEqual([])
    expect(problemsOf({ queues: { default: queue } }, env)).toHaveLength(1)
  })
})

describe('a variable that a queue names and that is not set', () => {
  const config = () => load({ queues: { nightly: NIGHTLY, bulk: { apiKeyFile: 'no/key' }, rest: {} } })

  it('is an error when the key is needed, with the variable and the queue', async () => {
    const nightly = load({ queues: { nightly: { apiKeyEnv: 'NIGHTLY_KEY' } } }).queue('nightly')
    await expect(createKeyHolder(nightly)).rejects.toThrow(
      /^There is no Conduit API key for queue nightly\. Type: export NIGHTLY_KEY=… {2}\(or name a file with queues\.nightly\.apiKeyFile in \//,
    )
    await expect(createKeyHolder({ ...nightly, apiKey: 'a b' })).rejects.toThrow(
      'NIGHTLY_KEY is no API key for queue nightly',
    )
    await expect(createKeyHolder(config().queue('bulk'))).rejects.toThrow(
      /^queues\.bulk\.apiKeyFile in \/.* names .*, which is not there\. Write the key/,
    )
    await expect(createKeyHolder(config().queue('rest'))).rejects.toThrow(
      'There is no Conduit API key for queue rest. Type: export CONDUIT_API_KEY=…',
    )
  })

  it('is an error when the queue is used, if alerts go there', () => {
    expect(config().queues).toHaveLength(3)
    expect(() => config().assertQueue('nightly')).not.toThrow()
    expect(() => config().queue('nightly')).toThrow(
      /queues\.nightly\.alerts\.webhookEnv names NIGHTLY_HOOK, which is not set/,
    )
  })
})

describe('what is wrong in the file', () => {
  it('is told all at once, together with the environment, each with its place and what is right', () => {
    const settings = {
      redisUrl: 'http://127.0.0.1',
      redisUrlEnv: 'MY_REDIS',
      dataDirectory: ' ',
      retentoin: {},
      retention: { batches: '30', inputs: 30, mostBatches: 0 },
      queues: {
        'Nightly Run': { baseUrl: 'conduit.im' },
        nightly: {
          apiKeyEnv: 'NIGHTLY_KEY',
          apiKeyFile: 3,
          limits: { concurrency: 1000.5, requestsPerMinute: 0, rpm: 4 },
          alerts: { webhook: 'slack', webhookEnv: 'sk-secret' },
        },
        bulk: [],
        rest: { billingUrl: 'https://me:secret@conduit.im' },
      },
    }
    expect(
      problemsOf(settings, { CONDUIT_BASE_URL: 'x', NIGHTLY_KEY: 'sk-1', MY_REDIS: 'redis://x' }),
    ).toEqual([
      expect.stringMatching(/^CONDUIT_BASE_URL must be an http/),
      'dataDirectory must be a path',
      'queues."Nightly Run".baseUrl must be an http:// or https:// URL',
      'queues.nightly.apiKeyFile must be a path',
      'queues.nightly.limits.concurrency must be a whole number from 1 to 1000',
      'queues.nightly.limits.requestsPerMinute must be a number of at least 0.01',
      'queues.nightly.limits.rpm is not a setting; there are: concurrency, requestsPerMinute',
      'queues.nightly.alerts.webhook must be an http:// or https:// URL',
      'queues.nightly.alerts.webhookEnv must be the name of an environment variable (A-Z, 0-9 and "_"), not what is in it',
      'queues.bulk must be an object',
      'queues.rest.billingUrl must be a URL without user, password, "?" and "#"',
      'retention.batches must be a time like "30d", "12h", "45m" or "2w"',
      'retention.inputs must be a time like "30d", "12h", "45m" or "2w"',
      'retention.mostBatches must be a whole number from 1 to 1000000',
      expect.stringMatching(
        /^retentoin is not a setting; did you mean retention\? There are: \$schema, redisUrl, /,
      ),
      'redisUrl and redisUrlEnv are both there; keep one',
      expect.stringMatching(/^redisUrl must start with redis:\/\//),
      'queues."Nightly Run" can\'t be a queue\'s name: use 1 to 63 of a-z, 0-9 and "-", starting with a letter or a digit',
      'queues.nightly.apiKeyEnv and apiKeyFile are both there; keep one',
      'queues.nightly.alerts.webhook and webhookEnv are both there; keep one',
    ])
  })

  it.each(['apiKey', 'api_key', 'APIKey'])(
    'includes a key in the file (%s), with what to write instead',
    (field) => {
      const [problem, ...more] = problemsOf({ queues: { nightly: { [field]: 'sk-secret' } } })
      expect(more).toEqual([])
      expect(problem).toMatch(
        /^queues\.nightly\.\w+ has no place in this file.*"apiKeyEnv": .*"apiKeyFile": /,
      )
      expect(problem).not.toContain('sk-secret')
    },
  )

  it('includes a token in the file', () => {
    expect(problemsOf({ token: 'secret' }).join()).toMatch(/^token has no place.*CONDUIT_BATCH_TOKEN$/)
  })

  it('includes a place for queues without any', () => {
    expect(problemsOf({ queues: {} })).toEqual(['queues must hold a queue, or be left out'])
    expect(problemsOf({ queues: [] })).toEqual(['queues must be an object of queues by name'])
    expect(problemsOf('[]')).toEqual(['it must be an object'])
  })

  it('includes JSON that is none, by line and column, without its text, together with the environment', () => {
    const problems = problemsOf('{\n  "queues": {\n    "a": {},\n  }\n}', { CONDUIT_BASE_URL: 'x' })
    expect(problems).toEqual([
      expect.stringMatching(/^CONDUIT_BASE_URL /),
      expect.stringMatching(/is not valid JSON: line 4, column 3: no comma may stand before this "}"$/),
    ])
  })

  it('includes a file that is named and not there, or no file', () => {
    const loadNamed = (config: string) => () => loadConfig({}, { config })
    expect(loadNamed(join(directory, 'nowhere.json'))).toThrow(/nowhere\.json is not there\. Name a file/)
    expect(loadNamed(directory)).toThrow(/can't be read: EISDIR/)
  })
})

describe('the documentation of the file', () => {
  const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
  const [, example = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? []

  it('has an example that is right', () => {
    const env = {
      REDIS_PRODUCTION: 'redis://x',
      TEAM_SLACK: 'https://hooks.test/x',
      PAGERDUTY_KEY: 'R0',
    }
    const config = load(example, env)
    expect(config.queues.length).toBeGreaterThan(1)
    for (const queue of config.queues) expect(config.queue(queue).queue).toBe(queue)
  })

  it('names every field and every variable', () => {
    for (const name of namesIn(schema())) expect(page).toContain(name)
    const [problem = ''] = problemsOf({}, { CONDUIT_BATCH_UNHEARD_OF_NAME: 'x' })
    const variables = problem.replace(/^.*there are: /, '').split(', ')
    expect(variables.length).toBeGreaterThan(8)
    for (const name of variables) expect(page).toContain(`\`${name}\``)
  })

  it('is in the schema that editors read, for every field', () => {
    const fields = fieldsIn(schema())
    expect(fields.length).toBeGreaterThan(20)
    expect(fields.filter(({ description }) => !description)).toEqual([])
    expect(schema()).toMatchObject({ type: 'object', additionalProperties: false })
  })
})

interface JsonSchema {
  readonly description?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: boolean | JsonSchema
  readonly items?: JsonSchema
  readonly oneOf?: readonly JsonSchema[]
}

/** The one that is shipped: `npm run build` writes it. */
function schema(): JsonSchema {
  return JSON.parse(
    readFileSync(new URL('../../conduit-batch.config.schema.json', import.meta.url), 'utf8'),
  ) as JsonSchema
}

function fieldsIn(schema: JsonSchema): JsonSchema[] {
  const { properties = {} } = schema
  return [
    ...within(schema).flatMap(fieldsIn),
    ...Object.values(properties).flatMap((field) => [field, ...fieldsIn(field)]),
  ]
}

function namesIn(schema: JsonSchema): string[] {
  const { properties = {} } = schema
  return [
    ...within(schema).flatMap(namesIn),
    ...Object.entries(properties).flatMap(([name, field]) => [name, ...namesIn(field)]),
  ]
}

/** What stands within a schema, but for its named fields. */
function within({ additionalProperties, items, oneOf = [] }: JsonSchema): JsonSchema[] {
  return [
    ...(typeof additionalProperties === 'object' ? [additionalProperties] : []),
    ...(items ? [items] : []),
    ...oneOf,
  ]
}
