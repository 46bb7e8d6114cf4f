import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type InputLine, readLines } from '../../src/batches/input/lines.js'

async function* from(buffers: readonly Buffer[]) {
  yield* buffers
}

async function linesOf(file: Buffer | string, options = {}): Promise<InputLine[]> {
  const lines: InputLine[] = []
  for await (const block of readLines(from([Buffer.from(file)]), options)) lines.push(...block.lines)
  return lines
}

const plain = ({ line, bytes, fault }: InputLine) => [line, bytes.toString('latin1'), fault]

/** The rules once more, over the whole file at once. */
function expectedLines(file: Buffer, maxLineBytes: number) {
  const pieces = file.toString('latin1').split('\n')
  if (pieces.at(-1) === '') pieces.pop()
  let offset = 0
  return pieces.flatMap((piece, at) => {
    const start = offset
    offset = Math.min(start + piece.length + 1, file.length)
    const content = piece.replace(/\r$/, '')
    const text = content.replace(/^\xef\xbb\xbf/, '')
    const place = { line: at + 1, offset: start, end: offset }
    if (content.length > maxLineBytes) return [{ ...place, text: '', fault: 'line_too_long' }]
    if (/^[ \t\r]*$/.test(text)) return []
    return [{ ...place, text, fault: isUtf8(Buffer.from(text, 'latin1')) ? null : 'not_utf8' }]
  })
}

function cut(file: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => cut % (file.length + 1)).sort((a, b) => a - b), file.length]
  return at.slice(1).map((end, i) => Buffer.from(file.subarray(at[i], end)))
}

const BOM = '\ufeff'
const content = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => Buffer.from(text)),
  fc
    .constantFrom('', ' ', '\t', '\r', BOM, `${BOM} `, `${BOM}x`, '{"a":1}', 'é', 'x'.repeat(30))
    .map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
)
const file = fc
  .tuple(
    fc.array(fc.tuple(content, fc.constantFrom('\n', '\r\n'))),
    fc.oneof(content, fc.constant(Buffer.alloc(0))),
  )
  .map(([lines, last]) => Buffer.concat([...lines.flatMap(([text, eol]) => [text, Buffer.from(eol)]), last]))

describe('lines', () => {
  it('are the same however the file is cut into buffers', async () => {
    const property = fc.asyncProperty(
      file,
      fc.array(fc.nat(), { maxLength: 12 }),
      fc.integer({ min: 1, max: 25 }),
      async (bytes, cuts, maxLineBytes) => {
        const found: object[] = []
        let passed = 0
        for await (const block of readLines(from(cut(bytes, cuts)), { maxLineBytes })) {
          expect(block.offset).toBe(passed)
          passed += block.bytes.length
          for (const { bytes: raw, ...line } of block.lines) {
            expect(line.end).toBeGreaterThan(block.offset - (block.bytes.length === 0 ? 1 : 0))
            expect(line.end).toBeLessThanOrEqual(passed)
            found.push({ ...line, text: raw.toString('latin1') })
          }
        }
        expect(passed).toBe(bytes.length)
        expect(found).toEqual(expectedLines(bytes, maxLineBytes))
      },
    )
    await fc.assert(property, { numRuns: 1000 })
  })

  it('read from the middle of a file like from its start', async () => {
    const property = fc.asyncProperty(file, fc.nat(), async (bytes, pick) => {
      const whole = await linesOf(bytes)
      const first = whole[pick % Math.max(whole.length, 1)]
      if (first === undefined) return
      const part = await linesOf(bytes.subarray(first.offset), { line: first.line, offset: first.offset })
      expect(part).toEqual(whole.slice(whole.indexOf(first)))
    })
    await fc.assert(property)
  })

  it('end with LF, CRLF or the file, and blank ones count without being given', async () => {
    const lines = await linesOf('a\r\n\n  \t\nb\nc')
    expect(lines.map(plain)).toEqual([
      [1, 'a', null],
      [4, 'b', null],
      [5, 'c', null],
    ])
    expect(lines.map(({ offset, end }) => [offset, end])).toEqual([
      [0, 3],
      [8, 10],
      [10, 11],
    ])
  })

  it('skip a BOM, at the start of the file and where files were joined', async () => {
    expect((await linesOf(`${BOM}a\n${BOM}b\n${BOM}\n`)).map(plain)).toEqual([
      [1, 'a', null],
      [2, 'b', null],
    ])
  })

  it('that are not UTF-8 are marked, and only they', async () => {
    const lines = await linesOf(Buffer.from('caf\xc3\xa9\ncaf\xe9\nok\n', 'latin1'))
    expect(lines.map(({ fault }) => fault)).toEqual([null, 'not_utf8', null])
  })

  it('may have exactly the allowed length, whatever their end', async () => {
    for (const end of ['\n', '\r\n', '']) {
      const faults = await linesOf(`${'x'.repeat(10)}\r\n${'y'.repeat(11)}\n${'z'.repeat(10)}${end}`, {
        maxLineBytes: 10,
      })
      expect(faults.map(({ fault }) => fault)).toEqual([null, 'line_too_long', null])
    }
  })

  it('that are too long are not held in memory', async () => {
    const mebibyte = Buffer.alloc(1024 * 1024, 'x')
    let peakBytes = 0
    async function* endless() {
      const before = process.memoryUsage().arrayBuffers
      for (let i = 0; i < 512; i += 1) {
        yield mebibyte
        peakBytes = Math.max(peakBytes, process.memoryUsage().arrayBuffers - before)
      }
      yield Buffer.from('\nafter\n')
    }
    const lines: InputLine[] = []
    for await (const block of readLines(endless(), { maxLineBytes: 4 * 1024 * 1024 }))
      lines.push(...block.lines)
    expect(lines.map(plain)).toEqual([
      [1, '', 'line_too_long'],
      [2, 'after', null],
    ])
    expect(lines[1]?.offset).toBe(512 * 1024 * 1024 + 1)
    expect(peakBytes).toBeLessThan(64 * 1024 * 1024)
  })

  it('do not depend on a buffer that the source uses again', async () => {
    const shared = Buffer.alloc(4)
    async function* reusing() {
      for (const text of ['abcd', 'ef\ng', 'hij\n']) {
        shared.write(text)
        yield shared
      }
    }
    const texts: string[] = []
    for await (const { lines } of readLines(reusing()))
      texts.push(...lines.map(({ bytes }) => bytes.toString()))
    expect(texts).toEqual(['abcdef', 'ghij'])
  })
})
