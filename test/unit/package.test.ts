import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = promisify(execFile)

interface Packed {
  readonly files: readonly { readonly path: string }[]
}

it('the package holds what runs, and nothing of how it is made', async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'])
  const [packed] = JSON.parse(stdout) as Packed[]
  const paths = packed?.files.map(({ path }) => path) ?? []
  expect(paths).toEqual(
    expect.arrayContaining([
      'bin/conduit-batch.js',
      'conduit-batch.config.schema.json',
      'dist/cli/main.js',
      'dist/src/index.js',
      'dist/src/index.d.ts',
      'dist/src/batches/register.lua',
      'dist/workers/completion.js',
    ]),
  )
  expect(paths.filter((path) => /^(dist\/scripts|dist\/\.|scripts|test|src)/.test(path))).toEqual([])
})
