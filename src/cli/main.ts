import { readFileSync } from 'node:fs'
import { EXIT } from './exit.js'
import { explain } from './explain.js'
import { createProgram } from './program.js'

function version(): string {
  // dist/src/cli/main.js → the package's root (scripts/bundle.mjs turns it for the bundle)
  const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  return (manifest as { version: string }).version
}

// A reader that left (| head), a terminal that was closed: the work still comes to a clean end.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

try {
  await createProgram(version()).parseAsync()
} catch (error) {
  process.stderr.write(`conduit-batch: ${explain(error)}\n`)
  // Whatever a failed command has left running must not keep it here.
  process.stderr.write('', () => process.exit(EXIT.error))
}
