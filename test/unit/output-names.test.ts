import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OutputNeeded, outputNames } from '../../src/batches/output-names.js'

const namesIn = (directory: string, output: string, errors: string) => ({
  output: join(directory, output),
  errors: join(directory, errors),
})

describe('where answers go without --output', () => {
  it.each([
    ['/data/prompts.jsonl', 'prompts'],
    ['/data/prompts.ndjson', 'prompts'],
    ['/data/prompts.json', 'prompts'],
    ['/data/prompts.txt', 'prompts'],
    ['/data/prompts.JSONL', 'prompts'],
    ['/data/prompts.jsonl.gz', 'prompts'],
    ['/data/prompts.gz', 'prompts'],
    ['/data/prompts', 'prompts'],
    ['/data/prompts.v2', 'prompts.v2'],
    ['/data/my prompts (2).jsonl', 'my prompts (2)'],
  ])('beside the input %s, named like it', (input, stem) => {
    expect(outputNames(input, undefined)).toEqual(
      namesIn('/data', `${stem}.results.jsonl`, `${stem}.errors.jsonl`),
    )
  })

  it('is absolute for a relative input', () => {
    expect(outputNames('sub/prompts.jsonl', undefined).output).toBe(resolve('sub/prompts.results.jsonl'))
  })

  it('must be said for stdin', () => {
    expect(() => outputNames('-', undefined)).toThrow(OutputNeeded)
    expect(() => outputNames('-', undefined)).toThrow(/--output/)
  })
})

describe('where answers go with --output', () => {
  it.each([
    ['/out/answers.jsonl', '/out/answers.errors.jsonl'],
    ['/out/answers.results.jsonl', '/out/answers.errors.jsonl'],
    ['/out/answers', '/out/answers.errors.jsonl'],
    ['/out/answers.txt', '/out/answers.txt.errors.jsonl'],
  ])('is %s, with failures in %s', (output, errors) => {
    expect(outputNames('/data/prompts.jsonl', output)).toEqual({ output, errors })
    expect(outputNames('-', output)).toEqual({ output, errors })
  })

  it('is absolute for a relative name', () => {
    expect(outputNames('-', 'answers.jsonl').output).toBe(resolve('answers.jsonl'))
  })
})

it('never gives one file two roles', () => {
  const ending = fc.constantFrom('', '.jsonl', '.results.jsonl', '.errors.jsonl', '.gz', '.jsonl.gz', '.txt')
  const name = fc
    .tuple(fc.stringMatching(/^[\w .-]{1,12}$/), ending)
    .map(([stem, end]) => `${stem}${end}`)
    .filter((text) => text.trim() !== '' && !/^\.+$/.test(text) && text !== '-')
  fc.assert(
    fc.property(name, fc.option(name, { nil: undefined }), (input, output) => {
      const names = outputNames(join('/data', input), output === undefined ? undefined : join('/out', output))
      const all = [resolve('/data', input), names.output, names.errors]
      expect(new Set(all).size).toBe(3)
    }),
    { numRuns: 500 },
  )
})
