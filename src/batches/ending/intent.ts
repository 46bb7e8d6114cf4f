import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeDurably } from '../data-directory.js'
import { codeOf } from '../links.js'
import type { EndingState } from '../states.js'

const intentSchema = z.strictObject({ state: z.enum(['cancelling', 'expiring']) })

function intentPath(directory: string): string {
  return join(directory, 'ending.json')
}

/**
 * Notes in a batch's directory that it is being ended early, before the first line says so: a Redis that loses
 * everything must not make it run again by itself.
 */
export async function noteIntent(directory: string, state: EndingState): Promise<void> {
  await writeDurably(intentPath(directory), `${JSON.stringify({ state })}\n`)
}

/** How a batch was being ended, or was ended, when its directory was last written to; null when it was not. */
export async function readIntent(directory: string): Promise<EndingState | null> {
  try {
    return intentSchema.parse(JSON.parse(await readFile(intentPath(directory), 'utf8'))).state
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

/** Forgets it: somebody wants the batch to run again. */
export async function dropIntent(directory: string): Promise<void> {
  await rm(intentPath(directory), { force: true })
}
