import { readFile } from 'node:fs/promises'

/** What became of the prompts of a file. */
export interface Answers {
  /** Without a line in either file. */
  readonly lost: number
  /** Lines beyond the first of each prompt. */
  readonly doubled: number
  readonly deadLetters: number
}

/** Compares the custom ids of an input with the lines of its two files; an absent file has none. */
export function compareAnswers(asked: Iterable<string>, answered: string, failed: string): Answers {
  const [answers, failures] = [idsOf(answered), idsOf(failed)]
  const lines = [...answers, ...failures]
  const known = new Set(lines)
  const lost = [...asked].filter((id) => !known.has(id)).length
  return { lost, doubled: lines.length - known.size, deadLetters: failures.length }
}

/** The same, for an input on disk. */
export async function answersTo(input: string): Promise<Answers> {
  const stem = input.replace(/\.jsonl$/, '')
  const read = (path: string) => readFile(path, 'utf8').catch(() => '')
  const [asked, answered, failed] = await Promise.all(
    [input, `${stem}.results.jsonl`, `${stem}.errors.jsonl`].map(read),
  )
  return compareAnswers(idsOf(asked ?? ''), answered ?? '', failed ?? '')
}

function idsOf(jsonLines: string): string[] {
  const lines = jsonLines.split('\n').filter((line) => line !== '')
  return lines.map((line) => (JSON.parse(line) as { custom_id: string }).custom_id)
}
