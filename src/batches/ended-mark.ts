import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createDurableFile } from './input/durable-file.js'
import { isThere } from './is-there.js'
import type { OverState } from './states.js'

const NAME = 'ended.json'

/**
 * Notes on disk, beside the batch's own files, that it has ended: a Redis that lost everything is not told of it again.
 * @param directory where the batch's own files are
 */
export async function markEnded(directory: string, state: OverState): Promise<void> {
  const file = await createDurableFile(directory)
  try {
    await file.append(`${JSON.stringify({ state })}\n`)
  } catch (error) {
    await file.discard()
    throw error
  }
  await file.commit(NAME)
}

/** It runs again. */
export async function clearEnded(directory: string): Promise<void> {
  await rm(join(directory, NAME), { force: true })
}

export function hasEnded(directory: string): Promise<boolean> {
  return isThere(join(directory, NAME))
}
