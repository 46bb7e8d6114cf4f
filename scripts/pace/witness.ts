// Loaded into each conduit-batch process that is measured (node --import witness.js?FILE): writes the CPU time at its end
// and each connection that failed, as lines of JSON. It changes nothing that the process does.

import { subscribe } from 'node:diagnostics_channel'
import { appendFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

const file = decodeURIComponent(new URL(import.meta.url).search.slice(1))

function note(line: object): void {
  appendFileSync(file, `${JSON.stringify(line)}\n`)
}

if (isMainThread) {
  subscribe('undici:client:connectError', () => note({ connectFailedAtMs: Date.now() }))
  process.once('exit', () => {
    const { user, system } = process.cpuUsage()
    note({ cpuSeconds: (user + system) / 1e6 })
  })
}
