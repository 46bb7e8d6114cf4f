import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Manifest } from '../../src/batches/manifest.js'
import { windowOverWords } from '../../src/cli/gate/resume.js'
import { goOnWords, sameCommand } from '../../src/cli/text/same-command.js'

function aManifest(more: Partial<Manifest>): Manifest {
  const input = { name: 'in.jsonl', path: resolve('in.jsonl'), spooled: false, bytes: 1, digest: '' }
  const output = resolve('in.results.jsonl')
  return { batch: 'b0000000000a1', queue: 'default', model: null, input, output, ...more } as Manifest
}

describe('the command that goes on with a batch', () => {
  it('names only what is not by default', () => {
    expect(sameCommand(aManifest({}))).toBe('conduit-batch submit in.jsonl')
    expect(sameCommand(aManifest({ output: '/x/a b.jsonl', queue: 'nightly', model: 'gpt-5' }))).toBe(
      "conduit-batch submit in.jsonl --output '/x/a b.jsonl' --queue nightly --model gpt-5",
    )
  })

  it('names the input by its place when its name meant another one', () => {
    const input = { name: 'in.jsonl', path: '/else/in.jsonl', spooled: false, bytes: 1, digest: '' }
    expect(sameCommand(aManifest({ input, output: '/else/in.results.jsonl' }))).toBe(
      'conduit-batch submit /else/in.jsonl',
    )
  })

  it('reads stdin again from what was kept of it', () => {
    const input = { name: '-', path: '/data/b/in.jsonl', spooled: true, bytes: 1, digest: '' }
    expect(sameCommand(aManifest({ input, output: '/x/a.jsonl' }))).toBe(
      'conduit-batch submit - --output /x/a.jsonl < /data/b/in.jsonl',
    )
  })

  it('is not named where it would make a new batch', () => {
    expect(goOnWords(aManifest({}), false).command).toBeNull()
  })

  it('stands before a resume once the completion window is over', () => {
    const then = ' Then: conduit-batch resume b0000000000a1'
    expect(windowOverWords(aManifest({}), true)).toContain(`none: conduit-batch submit in.jsonl.${then}`)
    expect(windowOverWords(aManifest({}), false)).toContain(
      `in the data directory where it was submitted.${then}`,
    )
  })
})
