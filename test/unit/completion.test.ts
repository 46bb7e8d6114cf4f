import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bashScript } from '../../src/cli/completion/bash.js'
import { fishScript } from '../../src/cli/completion/fish.js'
import { completionWords } from '../../src/cli/completion/words.js'
import { zshScript } from '../../src/cli/completion/zsh.js'
import { createProgram } from '../../src/cli/program.js'

const run = promisify(execFile)
const words = completionWords(createProgram('0.0.0'))
let place: string

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'cb-completion-'))
  await writeFile(join(place, 'completion.bash'), bashScript(words))
  await writeFile(join(place, 'two words.jsonl'), '')
  await writeFile(join(place, 'prompts.jsonl'), '')
  await mkdir(join(place, 'data', 'batches', 'b0000000000a1'), { recursive: true })
  const manifest = { batch: 'b0000000000a1', name: 'nightly', input: { name: 'in.jsonl' } }
  const file = join(place, 'data', 'batches', 'b0000000000a1', 'batch.json')
  await writeFile(file, JSON.stringify(manifest, null, 2))
})
afterAll(() => rm(place, { recursive: true, force: true }))

/** What bash offers for the last of these words; '' is one that is not begun. */
async function offered(...typed: string[]): Promise<string[]> {
  const script =
    'source completion.bash; COMP_WORDS=(conduit-batch "$@"); COMP_CWORD=$#; _conduit_batch; ' +
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is bash's
    'for each in "${COMPREPLY[@]}"; do echo "$each"; done'
  const env = { ...process.env, CONDUIT_BATCH_DATA_DIR: join(place, 'data') }
  const { stdout, stderr } = await run('bash', ['-c', script, 'bash', ...typed], { cwd: place, env })
  expect(stderr).toBe('')
  return stdout.split('\n').filter((line) => line !== '')
}

describe('bash completes', () => {
  it('commands', async () => {
    expect(await offered('re')).toEqual(['results', 'retry-failed', 'resume'])
    expect(await offered('')).toEqual(words[0]?.commands.map(({ name }) => name))
  })

  it('the options of the command that was typed', async () => {
    expect(await offered('results', 'b1', '--p')).toEqual(['--partial'])
    expect(await offered('run', '--max-a')).toEqual(['--max-attempts'])
    expect(await offered('list', '--partial')).toEqual([])
  })

  it('choices, files with spaces, directories and batches where they go', async () => {
    expect(await offered('completion', '')).toEqual(['bash', 'zsh', 'fish'])
    expect(await offered('run', 'two')).toEqual(['two words.jsonl'])
    expect(await offered('run', '--output', 'prom')).toEqual(['prompts.jsonl'])
    expect(await offered('status', '--data-dir', 'd')).toEqual(['data'])
    expect(await offered('status', 'b')).toEqual(['b0000000000a1'])
    expect(await offered('results', '')).toEqual(['b0000000000a1', 'nightly'])
    expect(await offered('list', '--state', 'ru')).toEqual(['running'])
    expect(await offered('work', '--roles', '')).toEqual(['completion', 'batch', 'alert'])
  })

  it('nothing for a value that nobody knows, and an argument after one', async () => {
    expect(await offered('run', '--model', 'p')).toEqual([])
    expect(await offered('run', '--model', 'status', 'prom')).toEqual(['prompts.jsonl'])
  })
})

describe.each([
  ['zsh', zshScript(words)],
  ['fish', fishScript(words)],
])('the script for %s', (shell, script) => {
  it('has every command and every option', () => {
    for (const { path, options } of words) {
      for (const word of path) expect(script).toContain(word)
      for (const { flags } of options) {
        for (const flag of flags) expect(script).toContain(shell === 'fish' ? flag.replace(/^--?/, '') : flag)
      }
    }
  })

  it('closes every quote', () => {
    const bare = script.replaceAll(shell === 'fish' ? "\\'" : "'\\''", '')
    const unclosed = bare.split('\n').filter((line) => (line.split("'").length - 1) % 2 !== 0)
    expect(unclosed).toEqual([])
  })
})
