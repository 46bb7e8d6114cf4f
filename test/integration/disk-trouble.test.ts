import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDataDirectory } from '../../src/batches/data-directory.js'
import { publish } from '../../src/batches/publish.js'
import { accessRedis } from '../../src/batches/session.js'
import { checkDisk } from '../../src/cli/doctor/disk-check.js'
import { smallDisk } from '../support/small-disk.js'

let disk: string | null
let roomy: string

beforeAll(async () => {
  disk = await smallDisk(1 << 20)
  roomy = await mkdtemp(join(tmpdir(), 'cb-roomy-'))
  if (disk !== null) await writeFile(join(disk, 'ballast'), Buffer.alloc(2 << 20)).catch(() => undefined)
})

afterAll(() => rm(roomy, { recursive: true }))

it('names the disk that a copy of the answers did not fit on, and leaves no piece of it', async (context) => {
  if (disk === null) return context.skip('no disk can be mounted here')
  const own = join(roomy, 'results.jsonl')
  await writeFile(own, 'x'.repeat(1 << 16))
  const final = join(disk, 'out.jsonl')
  await expect(publish(own, final)).rejects.toMatchObject({
    code: 'disk_full',
    message: expect.stringContaining(`the disk of ${final}`),
  })
  expect((await readdir(disk)).filter((name) => name.endsWith('.tmp'))).toEqual([])
})

it('says of a data directory without room that its disk is full, from the start', async (context) => {
  if (disk === null) return context.skip('no disk can be mounted here')
  const path = join(disk, 'data')
  const full = { code: 'disk_full', message: expect.stringContaining(`the disk of ${disk}`) }
  await mkdir(path)
  await expect(openDataDirectory(path)).rejects.toMatchObject(full)
  const place = { redisUrl: null, dataDirectory: path, searchPath: process.env.PATH ?? '' }
  await expect(accessRedis(place, () => undefined)).rejects.toMatchObject(full)
  expect(await checkDisk(path)).toMatchObject({ level: 'bad' })
})
