import { EXIT } from './exit.js'
import { explain } from './explain.js'
import { createProgram } from './program.js'

// A reader that left (| head), a terminal that was closed: the work still comes to a clean end.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

try {
  await createProgram().parseAsync()
} catch (error) {
  process.stderr.write(`conduit-batch: ${explain(error)}\n`)
  // Whatever a failed command has left running must not keep it here.
  process.stderr.write('', () => process.exit(EXIT.error))
}
