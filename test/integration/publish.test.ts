import { link, lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Links, publish, showPartial, unpublish } from '../../src/batches/publish.js'

/** A file system without links can't be had in a test, so it is only what links say that is not real here. */
function refusing(linkCode: string | null, symlinkCode: string | null = null): Links {
  const refuse = (code: string | null, make: typeof link) => async (target: string, path: string) => {
    if (code !== null) throw Object.assign(new Error(`${code}: no links here`), { code })
    await make(target, path)
  }
  return { link: refuse(linkCode, link), symlink: refuse(symlinkCode, symlink) }
}

let root: string
let own: string
let final: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cb-publish-'))
  own = join(root, 'own.jsonl')
  final = join(root, 'out.jsonl')
  await writeFile(own, 'one\n')
})
afterEach(async () => {
  await rm(root, { recursive: true })
})

describe('a file that grows', () => {
  it('is seen under a second name of its own', async () => {
    await showPartial(own, final)
    expect((await lstat(`${final}.partial`)).ino).toBe((await stat(own)).ino)
  })

  it('is seen through a symbolic link where there are no others', async () => {
    const elsewhere = refusing('EXDEV')
    await showPartial(own, final, elsewhere)
    expect((await lstat(`${final}.partial`)).isSymbolicLink()).toBe(true)
    await publish(own, final, elsewhere)
    expect((await lstat(final)).isFile()).toBe(true)
    expect((await readdir(root)).sort()).toEqual(['out.jsonl', 'own.jsonl'])
  })

  for (const code of ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']) {
    it(`is not seen where there are no links at all (${code}), and copied when it is complete`, async () => {
      const none = refusing(code, code)
      await showPartial(own, final, none)
      expect(await readdir(root)).toEqual(['own.jsonl'])
      await publish(own, final, none)
      expect(await readFile(final, 'utf8')).toBe('one\n')
      expect((await readdir(root)).sort()).toEqual(['out.jsonl', 'own.jsonl'])
    })
  }

  it('does not hide other trouble', async () => {
    await expect(showPartial(own, final, refusing('ENOSPC'))).rejects.toThrow('ENOSPC')
  })
})

describe('what was published', () => {
  it('is taken away under both names, and through a symbolic link; the own copy stays', async () => {
    await link(own, final)
    await symlink(own, `${final}.partial`)
    await unpublish(own, final)
    expect(await readdir(root)).toEqual(['own.jsonl'])
  })

  it('stays when it is another file by now, or there is no own copy', async () => {
    await writeFile(final, 'one\n')
    await unpublish(own, final)
    await rm(own)
    await unpublish(own, final)
    expect(await readdir(root)).toEqual(['out.jsonl'])
  })
})
