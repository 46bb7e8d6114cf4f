// Completes package-lock.json after `npm install` against a registry that lacks packages for other platforms: npm
// leaves out the optional packages it could not find, `npm ci` then refuses the lockfile, and people on those
// platforms would go without. Each missing one is named by exact version in its parent, and its platform in its name.
import { readFile, writeFile } from 'node:fs/promises'

const FILE = 'package-lock.json'
const lock = JSON.parse(await readFile(FILE, 'utf8'))
const OS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'sunos', 'win32']
const CPU = ['arm64', 'arm', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'x64']

let added = 0
for (const parent of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`
    if (lock.packages[path] !== undefined || !/^\d/.test(version)) continue
    const words = name.split(/[/-]/)
    const os = OS.filter((word) => words.includes(word))
    const cpu = CPU.filter((word) => words.includes(word))
    if (os.length === 0 || cpu.length === 0) continue
    const libc = words.some((word) => word.startsWith('musl')) ? { libc: ['musl'] } : {}
    const dev = parent.dev ? { dev: true } : {}
    lock.packages[path] = { version, cpu, ...dev, ...libc, optional: true, os }
    added++
  }
}
const sorted = Object.keys(lock.packages).sort((a, b) => a.localeCompare(b, 'en'))
lock.packages = Object.fromEntries(sorted.map((path) => [path, lock.packages[path]]))
await writeFile(FILE, `${JSON.stringify(lock, null, 2)}\n`)
process.stdout.write(`${FILE}: ${added} packages of other platforms added\n`)
