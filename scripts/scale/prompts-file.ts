import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const LINES_AT_ONCE = 1000
const WORDS =
  'the of and a to in is you that it he was for on are as with his they I at be this have from or one had by word but not what all were we when your can said there use an each which she do how their if will up other about out many then them these so some her would make like him into time has look two more write go see number no way could people my than first water been call who oil its now find long down day did get come made may part'.split(
    ' ',
  )

/** The custom id of the prompt at an index. */
export function customIdAt(index: number): string {
  return `scale-${index}`
}

/** The index of the prompt that a line of an output or errors file is about; -1: of none. */
export function indexInLine(line: string): number {
  const match = /"custom_id":"scale-(\d+)"/.exec(line)
  return match === null ? -1 : Number(match[1])
}

/** Writes a file of so many prompts, all different, of `lineBytes` bytes each with their end. */
export async function writePromptsFile(path: string, prompts: number, lineBytes: number): Promise<void> {
  await pipeline(Readable.from(portions(prompts, lineBytes)), createWriteStream(path))
}

function* portions(prompts: number, lineBytes: number): Generator<string> {
  for (let from = 0; from < prompts; from += LINES_AT_ONCE) {
    const count = Math.min(LINES_AT_ONCE, prompts - from)
    yield Array.from({ length: count }, (_, at) => promptLine(from + at, lineBytes)).join('')
  }
}

function promptLine(index: number, lineBytes: number): string {
  const line = (content: string) =>
    `${JSON.stringify({ custom_id: customIdAt(index), model: 'gpt-4o-mini', messages: [{ role: 'user', content }] })}\n`
  const room = lineBytes - line('').length
  return line(text(index, room))
}

/** So many characters of plain words, others for each index. */
function text(index: number, length: number): string {
  let words = `About number ${index}:`
  for (let at = index; words.length < length; at = (at * 31 + 7) % 1_000_003)
    words += ` ${WORDS[at % WORDS.length]}`
  return words.slice(0, length)
}
