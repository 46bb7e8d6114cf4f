// Bundles the command line and what it depends on into dist/cli/, after tsc: a thousand small modules take most of a
// second to load, a dozen larger ones do not. Commands stay chunks of their own, loaded when they are used. Files that
// are found by their place (Lua, package.json) stay where they are; the bundle points to them.
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const COMPILED = join(ROOT, 'dist')
const BUNDLE = join(COMPILED, 'cli')
/** These find files of their own by their place. */
const UNBUNDLED = [/^@bull-board\//, /^fastify$/, /^@fastify\//]
const OWN_PLACE = /new URL\((['"])(\.[^'"]*)\1, import\.meta\.url\)/g

/** Compiled modules, with their maps back to TypeScript and their file URLs seen from the bundle. */
const ownModules = {
  name: 'own-modules',
  load: {
    filter: { id: /\.js$/ },
    async handler(id) {
      if (!id.startsWith(COMPILED + sep)) return null
      const source = await readFile(id, 'utf8')
      const code = source.replace(OWN_PLACE, (_all, _quote, path) => {
        const file = resolve(dirname(id), path)
        if (!existsSync(file))
          this.error(`${relative(ROOT, id)} loads ${relative(ROOT, file)}, which is not there.`)
        return `new URL('${relative(BUNDLE, file)}', import.meta.url)`
      })
      if (source.replace(OWN_PLACE, '').includes('import.meta.url'))
        this.error(`${relative(ROOT, id)}: only new URL('./literal', import.meta.url) can be bundled.`)
      return { code, map: await readFile(`${id}.map`, 'utf8') }
    },
  },
}

/** What the bundled packages ask for in exchange: their licences go with their code. */
async function licences(chunks) {
  const homes = new Set()
  for (const id of chunks.flatMap((chunk) => chunk.moduleIds)) {
    const [home] = /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(id) ?? []
    if (home !== undefined) homes.add(home)
  }
  const texts = await Promise.all([...homes].sort().map(licenceOf))
  return texts.join('\n\n')
}

async function licenceOf(home) {
  const manifest = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'))
  const file = (await readdir(home)).find((name) => /^licen[cs]e/i.test(name))
  const text = file === undefined ? '' : await readFile(join(home, file), 'utf8')
  return `${manifest.name} ${manifest.version} (${manifest.license})\n${text.trim()}\n`
}

/** Writes what differs and removes what is left from before: processes that run meanwhile keep what they know. */
async function write(files) {
  await mkdir(BUNDLE, { recursive: true })
  for (const [name, content] of files) {
    const before = await readFile(join(BUNDLE, name), 'utf8').catch(() => null)
    if (before !== content) await writeFile(join(BUNDLE, name), content)
  }
  for (const name of await readdir(BUNDLE))
    if (!files.has(name)) await rm(join(BUNDLE, name), { recursive: true })
}

const bundle = await rolldown({
  cwd: ROOT,
  input: join(COMPILED, 'src/cli/main.js'),
  platform: 'node',
  external: UNBUNDLED,
  plugins: [ownModules],
  onLog(level, log, report) {
    // An import that leads nowhere would be found by who runs the command.
    report(log.code === 'UNRESOLVED_IMPORT' ? 'error' : level, log)
  },
})
const { output } = await bundle.generate({
  format: 'esm',
  keepNames: true,
  comments: { legal: true, annotation: false, jsdoc: false },
  sourcemap: true,
  sourcemapExcludeSources: true,
})
await bundle.close()
const files = new Map(output.map((file) => [file.fileName, file.code ?? file.source]))
files.set('LICENCES.txt', await licences(output.filter((file) => file.type === 'chunk')))
await write(files)
