import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface ReadmePrompt {
  /** The package, unique. */
  readonly name: string
  readonly prompt: string
}

const README_CHARACTERS = 1500

/** One prompt for each installed package that has a README: real text that is on every machine that runs this. */
export async function readmePrompts(nodeModules: string): Promise<ReadmePrompt[]> {
  const prompts: ReadmePrompt[] = []
  for (const name of await packageNames(nodeModules)) {
    const directory = join(nodeModules, name)
    const readme = (await readdir(directory)).find((file) => /^readme(\.md|\.markdown)?$/i.test(file))
    if (readme === undefined) continue
    const text = (await readFile(join(directory, readme), 'utf8')).slice(0, README_CHARACTERS)
    prompts.push({ name, prompt: `In one sentence, what does this package do?\n\n# ${name}\n\n${text}` })
  }
  return prompts
}

async function packageNames(nodeModules: string): Promise<string[]> {
  const names: string[] = []
  for (const entry of await readdir(nodeModules)) {
    if (entry.startsWith('.')) continue
    if (!entry.startsWith('@')) names.push(entry)
    else for (const scoped of await readdir(join(nodeModules, entry))) names.push(`${entry}/${scoped}`)
  }
  return names
}
