#!/usr/bin/env node
import module from 'node:module'

// Node 22 and newer keep compiled code between runs; 20 has no such cache.
module.enableCompileCache?.()
await import('../dist/cli/main.js')
