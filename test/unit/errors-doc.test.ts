import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { LINE_PROBLEM_CODES } from '../../src/batches/input/line-problem.js'
import { OWN_CODES, type Ruling, STATUS_RULES } from '../../src/conduit/codes.js'

const rows = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )

/** The cells of the only table row that begins with these cells. */
function row(...first: string[]): string[] {
  const found = rows.filter((cells) => first.every((cell, at) => cells[at] === cell))
  expect(found, `rows that begin with ${first.join(' | ')}`).toHaveLength(1)
  return found[0] ?? []
}

function outcomeCell(ruling: Ruling | null): string {
  if (ruling === null) return 'the status decides'
  return ruling.kind === 'held' ? `\`held\` \`${ruling.reason}\`` : `\`${ruling.kind}\``
}

/** The literal `code` of every error class in the source. */
function errorClassCodes(): string[] {
  const root = new URL('../../', import.meta.url)
  const files = ['src', 'workers', 'scripts'].flatMap((room) =>
    readdirSync(new URL(room, root), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(new URL(`${room}/${name}`, root), 'utf8')),
  )
  return files.flatMap((text) =>
    [...text.matchAll(/^ {2}readonly code = '([a-z0-9_]+)'$/gm)].map(([, code]) => code ?? ''),
  )
}

describe('docs/errors.md', () => {
  it('has every error class of ours', () => {
    const codes = errorClassCodes()
    expect(codes.length).toBeGreaterThan(20)
    const documented = rows.flatMap(([first = '']) =>
      [...first.matchAll(/`([a-z0-9_]+)`/g)].map(([, code]) => code),
    )
    expect(codes.filter((code) => !documented.includes(code))).toEqual([])
  })

  it.each(LINE_PROBLEM_CODES)('has the problem of a line %s', (code) => {
    row(`\`${code}\``)
  })

  it.each(STATUS_RULES.filter((rule) => rule.code !== null))(
    'has $from $code with its meaning and its outcome',
    (rule) => {
      const [, , means, outcome] = row(String(rule.from), `\`${rule.code}\``)
      expect(means).toBe(rule.means)
      expect(outcome).toBe(outcomeCell(rule.ruling))
    },
  )

  it.each(STATUS_RULES.filter((rule) => rule.code === null && rule.from === rule.to))(
    'has $from without a code and its outcome',
    (rule) => {
      row(String(rule.from), outcomeCell(rule.ruling))
    },
  )

  it.each([
    ['3xx', 300, 399],
    ['other 4xx (409, 422 …)', 400, 499],
    ['5xx', 500, 599],
  ])('has %s and its outcome', (cell, from, to) => {
    const rule = STATUS_RULES.find((each) => each.from === from && each.to === to)
    expect(row(cell)[1]).toBe(outcomeCell(rule?.ruling ?? null))
  })

  it.each(OWN_CODES)('has our own $code and its outcome', (own) => {
    expect(row(`\`${own.code}\``)[2]).toBe(outcomeCell(own.ruling))
  })

  it('names no code of Conduit’s that the table does not have', () => {
    const named = rows
      .filter(([status = '', code = '']) => /^\d{3}$/.test(status) && /^`[A-Z_]+`$/.test(code))
      .map(([status, code]) => `${status} ${code?.slice(1, -1)}`)
    const known = STATUS_RULES.filter((rule) => rule.code !== null).map((rule) => `${rule.from} ${rule.code}`)
    expect(named.sort()).toEqual(known.sort())
  })
})
