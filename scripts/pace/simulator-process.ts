// A simulator in a process of its own. Its options are the JSON in the first argument; it says its addresses in a line
// of JSON, and ends with its stdin.
import { startSimulator } from '../../src/simulator/simulator.js'

const { baseUrl, billingUrl, controlUrl } = await startSimulator(JSON.parse(process.argv[2] ?? '{}'))
process.stdout.write(`${JSON.stringify({ baseUrl, billingUrl, controlUrl })}\n`)
process.stdin.resume().once('end', () => process.exit())
