import { mkdir, readdir, readFile } from 'node:fs/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Simulator } from '../../src/simulator/simulator.js'
import { expectAnswers, ids, requests } from '../support/batch-files.js'
import {
  type CliEnd,
  createWorkplace,
  QUICK,
  type Settings,
  type StartOptions,
  settingsFor,
  simulate,
  type Workplace,
} from '../support/cli.js'
import { serverBinary, startPrivateRedis } from '../support/private-redis.js'

/** Nothing listens there. */
const CLOSED_PORT = 1

let simulator: Simulator
let place: Workplace

beforeEach(async () => {
  simulator = await simulate()
  place = await createWorkplace(settingsFor(simulator))
  await place.write('in.jsonl', requests(3))
})

/** Exit code 1, a message for a person on stderr and nothing on stdout, no stack, no call. */
async function refusal(args: readonly string[], options: StartOptions = {}): Promise<string> {
  const end: CliEnd = await place.run(args, options)
  expect(end).toMatchObject({ code: 1, signal: null, stdout: '' })
  expect(end.stderr).not.toMatch(/^ +at |node:internal|\.js:\d+/m)
  expect(end.stderr.trim()).not.toBe('')
  expect(simulator.stats().calls).toBe(0)
  expect((await readdir(place.directory)).filter((name) => /results|partial/.test(name))).toEqual([])
  return end.stderr
}

/** What else can be wrong with an input, and what is said of it: test/integration/stage.test.ts. */
describe('an input that can not be read is named, with the reason, and the exit code is 1:', () => {
  test('a file that is not there', async () => {
    expect(await refusal(['run', 'nowhere.jsonl'])).toMatch(/no file nowhere\.jsonl.*Check the path/)
  })

  test('stdin without --output', async () => {
    expect(await refusal(['run', '-'], { stdin: requests(1) })).toMatch(/stdin.*--output/)
  })

  test('a stdin with blank lines only', async () => {
    const blank = { stdin: '\ufeff\r\n \n\n' }
    expect(await refusal(['run', '-', '--output', 'from-stdin.jsonl'], blank)).toMatch(/empty/)
  })
})

describe('an output that can not be used is named, and the exit code is 1:', () => {
  test('a file that is somebody else’s: it stays as it is, and --fresh replaces it', async () => {
    const mine = await place.write('in.results.jsonl', 'my notes\n')

    const refused = await place.run(['run', 'in.jsonl'])

    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain(`${mine} is there already`)
    expect(refused.stderr).toMatch(/--output.*--fresh/)
    expect(await readFile(mine, 'utf8')).toBe('my notes\n')
    expect(simulator.stats().calls).toBe(0)

    expect(await place.run(['run', 'in.jsonl', '--fresh'])).toExitWith(0)
    await expectAnswers(mine, ids(3))
  })

  test('an errors file that is somebody else’s', async () => {
    await place.write('notes.errors.jsonl', 'my notes\n')
    expect(await refusal(['run', 'in.jsonl', '--output', 'notes.jsonl'])).toContain(
      `${place.path('notes.errors.jsonl')} is there already`,
    )
  })

  test('a file in a directory that is not there', async () => {
    expect(await refusal(['run', 'in.jsonl', '--output', 'no-such/answers.jsonl'])).toContain(
      place.path('no-such'),
    )
  })

  test('a directory, with --fresh too', async () => {
    await mkdir(place.path('answers'))
    expect(await refusal(['run', 'in.jsonl', '--output', 'answers', '--fresh'])).toContain(
      place.path('answers'),
    )
  })

  test('the input itself, with --fresh too', async () => {
    const before = await readFile(place.path('in.jsonl'), 'utf8')
    expect(await refusal(['run', 'in.jsonl', '--output', 'in.jsonl', '--fresh'])).toContain('in.jsonl')
    expect(await readFile(place.path('in.jsonl'), 'utf8')).toBe(before)
  })
})

describe('an option that is wrong is named, and the exit code is 1:', () => {
  const WRONG: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['--queue', ['--queue', 'My Queue'], /--queue.*'My Queue' is invalid.*a-z, 0-9/],
    ['--concurrency 0', ['--concurrency', '0'], /--concurrency.*'0' is invalid.*between 1 and 1000/],
    ['--concurrency abc', ['--concurrency', 'abc'], /--concurrency.*'abc' is invalid.*whole number/],
    ['--timeout', ['--timeout', '-1'], /--timeout.*'-1' is invalid.*seconds/],
    ['--rpm 0.5', ['--rpm', '0.5'], /--rpm.*'0.5' is invalid.*requests a minute, 1 or more/],
    ['--model', ['--model', ' '], /--model.*not be empty/],
    ['one that is unknown', ['--concurency', '5'], /unknown option '--concurency'.*--concurrency/s],
  ]
  test.each(WRONG)('%s', async (_what, args, says) => {
    expect(await refusal(['run', 'in.jsonl', ...args])).toMatch(says)
  })

  test('no input, and a command that is unknown', async () => {
    expect(await refusal(['run'])).toMatch(/missing required argument 'input'/)
    expect(await refusal(['rum', 'in.jsonl'])).toMatch(/unknown command 'rum'.*run/s)
  })
})

describe('a setting that is wrong is named, and the exit code is 1:', () => {
  const WRONG: readonly (readonly [string, Settings, RegExp])[] = [
    [
      'a key file that is not there',
      { CONDUIT_API_KEY: undefined, CONDUIT_API_KEY_FILE: '/no/such/key' },
      /CONDUIT_API_KEY_FILE.*\/no\/such\/key/,
    ],
    [
      'a data directory that is a file',
      { CONDUIT_BATCH_DATA_DIR: 'in.jsonl' },
      /no data directory.*in\.jsonl/,
    ],
    ['a Redis URL that is none', { REDIS_URL: 'localhost' }, /REDIS_URL is not a URL.*redis:\/\/host:6379/],
    [
      'a Redis that is not there',
      { REDIS_URL: `redis://:secret@127.0.0.1:${CLOSED_PORT}` },
      /Redis can't be used at redis:\/\/127\.0\.0\.1:1\b.*nothing listens there.*REDIS_URL/,
    ],
    ['no Redis at all', { REDIS_URL: undefined, PATH: '/nowhere' }, /redis-server.*apt-get.*brew.*docker/s],
  ]
  test.each(WRONG)('%s', async (_what, env, says) => {
    const said = await refusal(['run', 'in.jsonl', ...QUICK], { env })
    expect(said).toMatch(says)
    expect(said).not.toContain('secret')
  })
})

test('all settings that are wrong are named at once', async () => {
  const env = {
    CONDUIT_API_KEY_FILE: 'key',
    CONDUIT_BASE_URL: 'http://a b',
    CONDUIT_BILLING_URL: 'https://me:secret@conduit.im/api/billing',
    CONDUIT_BATCH_TYPO: 'x',
    CONDUIT_BATCH_ALERT_WEBHOOK: 'hooks',
    CONDUIT_BATCH_LOG_LEVEL: 'loud',
    CONDUIT_BATCH_KEY_PREFIX: '{braces}',
  }
  const said = await refusal(['run', 'in.jsonl'], { env })
  for (const name of ['CONDUIT_API_KEY', ...Object.keys(env)]) expect(said).toContain(name)
  expect(said).toMatch(/CONDUIT_BATCH_TYPO is not a setting.*CONDUIT_BATCH_DATA_DIR/)
  expect(said).toMatch(/CONDUIT_BILLING_URL must be a URL without user, password/)
  expect(said).not.toContain('secret')
})

test.skipIf(serverBinary === null)(
  'a Redis that evicts keys is refused, with the command that mends it',
  async () => {
    const redis = await startPrivateRedis(['--maxmemory-policy', 'allkeys-lru'])
    try {
      const said = await refusal(['run', 'in.jsonl'], { env: { REDIS_URL: redis.url } })
      expect(said).toMatch(/allkeys-lru.*CONFIG SET maxmemory-policy noeviction/)
    } finally {
      await redis.stop()
    }
  },
)

test('without a key it says how to give one; the same command with a key succeeds', async () => {
  const said = await refusal(['run', 'in.jsonl'], { env: { CONDUIT_API_KEY: undefined } })
  expect(said).toMatch(/no Conduit API key.*export CONDUIT_API_KEY=/)
  expect(await place.run(['run', 'in.jsonl'])).toExitWith(0)
  await expectAnswers(place.path('in.results.jsonl'), ids(3))
})
