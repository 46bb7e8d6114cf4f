import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openDataDirectory } from '../../src/batches/data-directory.js'
import { dryRun } from '../../src/batches/dry-run.js'
import { accessRedis } from '../../src/batches/session.js'
import type { Submission } from '../../src/batches/submission.js'
import { submit } from '../../src/batches/submit.js'
import { readEarlier } from '../../src/cli/dry-run/earlier.js'
import { loadConfig } from '../../src/config.js'
import { connectRedis } from '../../src/redis/connect.js'
import { queueKeys } from '../../src/redis/keys.js'
import { jsonLines, request, requests } from '../support/batch-files.js'
import { QUICK_OPTIONS } from '../support/batches.js'
import { serverBinary } from '../support/private-redis.js'

let place: string
let dataDir: string
/** What a system has for passing files. */
let aside: string
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'cb-dry-'))
  dataDir = join(place, 'data')
  aside = await mkdtemp(join(tmpdir(), 'cb-dry-aside-'))
  vi.stubEnv('TMPDIR', aside)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const path of [place, aside]) await rm(path, { recursive: true, force: true })
})

async function submission(content: string, more: Partial<Submission> = {}): Promise<Submission> {
  const path = (ending: string) => join(place, `in.${ending}`)
  if (more.input !== '-') await writeFile(path('jsonl'), content)
  return {
    input: path('jsonl'),
    stdin: (async function* () {
      yield Buffer.from(content)
    })(),
    output: path('results.jsonl'),
    errors: path('errors.jsonl'),
    queue: 'default',
    name: null,
    model: null,
    options: QUICK_OPTIONS,
    strict: false,
    fresh: false,
    ...more,
  }
}

describe('a dry run', () => {
  it('counts by model what can be sent, also of stdin, and leaves nothing', async () => {
    const input = `${JSON.stringify(request('a'))}\nno JSON\n${JSON.stringify(request('a'))}\n${JSON.stringify(
      request('b', '', { model: 'gpt-4o', max_tokens: 7 }),
    )}\n`
    const { staged, sizes, known } = await dryRun(dataDir, await submission(input, { input: '-' }))
    expect(staged).toMatchObject({ total: 4, valid: 2, rejected: 2 })
    expect(known).toBeNull()
    expect([...sizes]).toEqual([
      ['gpt-4o-mini', { requests: 1, chars: 'say a'.length, byMostTokens: new Map([[null, 1]]) }],
      ['gpt-4o', { requests: 1, chars: 'say b'.length, byMostTokens: new Map([[7, 1]]) }],
    ])
    expect(await readdir(place)).toEqual([])
    expect(await readdir(aside)).toEqual([])
  })

  it('refuses what the command would refuse, and leaves nothing of that either', async () => {
    const refused = async (content: string, more: Partial<Submission> = {}) =>
      dryRun(dataDir, await submission(content, more)).catch((error: { code?: string }) => error.code)
    expect(await refused('no JSON\n', { strict: true })).toBe('bad_lines')
    expect(await refused('no JSON\n', { refuseUnsendable: true })).toBe('nothing_sendable')
    expect(await refused('\n')).toBe('input_empty')
    expect(await refused(requests(1), { name: 'a b' })).toBe('invalid_batch_name')
    expect(await refused(requests(1), { output: join(place, 'nowhere', 'out') })).toBe('output_unusable')
    await writeFile(join(place, 'in.results.jsonl'), 'mine\n')
    expect(await refused(requests(1))).toBe('output_taken')
    expect((await readdir(place)).sort()).toEqual(['in.jsonl', 'in.results.jsonl'])
    expect(await readdir(aside)).toEqual([])
  })

  it('finds the batch of the same command, and the one whose answers an edited file would keep', async () => {
    const directory = await openDataDirectory(dataDir)
    const asked = await submission(requests(3))
    const { manifest } = await submit(directory, asked)
    const before = await readdir(directory.batches)
    expect(await dryRun(dataDir, asked)).toMatchObject({
      known: { batch: manifest.batch },
      staged: { valid: 3 },
    })
    expect(await dryRun(dataDir, await submission(jsonLines([request('r0')])))).toMatchObject({
      known: null,
      inheritsFrom: manifest.batch,
    })
    expect(await readdir(directory.batches)).toEqual(before)
  })

  it.skipIf(serverBinary === null)(
    'learns from earlier answers in the private Redis of the data directory, which runs no more',
    async () => {
      const config = loadConfig({ PATH: env.PATH, CONDUIT_BATCH_DATA_DIR: dataDir }, {})
      const nothing = await readEarlier(config, 'default', null)
      expect([nothing.usage.size, nothing.trouble]).toEqual([0, null])
      await openDataDirectory(dataDir)
      const { target, leave } = await accessRedis(config, () => {})
      const redis = await connectRedis(target, 'client')
      await redis.hset(queueKeys(config.keyPrefix, 'default').usage, {
        'used:answers:m': 30,
        'used:chars:m': 90,
      })
      redis.disconnect()
      await leave()
      const { usage, trouble } = await readEarlier(config, 'default', null)
      expect(trouble).toBeNull()
      expect(usage.get('m')).toMatchObject({ answers: 30, chars: 90 })
    },
  )
})
