import type { DataDirectory, OutputOwner } from './data-directory.js'
import { isBatchId } from './known-batches.js'
import type { Manifest } from './manifest.js'

const NAME = /^[A-Za-z0-9._-]{1,64}$/

/** A batch can't be called so. */
export class InvalidBatchName extends Error {
  readonly code = 'invalid_batch_name'
}

/** Another batch is called so. */
export class NameTaken extends Error {
  readonly code = 'name_taken'
}

/** @throws InvalidBatchName */
export function checkBatchName(name: string): void {
  if (NAME.test(name) && !isBatchId(name)) return
  const why = isBatchId(name)
    ? 'it looks like the id of a batch'
    : 'use 1 to 64 of letters, digits, "-", "_" and "."'
  throw new InvalidBatchName(`${JSON.stringify(name)} can't be the name of a batch: ${why}.`)
}

/**
 * Refuses a name that belongs to a batch of the directory, unless that one was replaced or is to be.
 * @param replacing what is to be replaced
 * @throws NameTaken
 */
export async function refuseTakenName(
  directory: DataDirectory,
  name: string,
  replacing: Manifest | null,
): Promise<void> {
  await holderToReplace(directory, name, replacing)
}

/**
 * Makes the name of a batch its own.
 * @throws NameTaken
 */
export async function claimName(
  directory: DataDirectory,
  manifest: Manifest,
  replacing: Manifest | null,
): Promise<void> {
  const { batch, identity, name } = manifest
  if (name === null) return
  for (;;) {
    const holder = await holderToReplace(directory, name, replacing)
    if (await directory.claimOutput(claimOf(name), { batch, identity }, holder)) return
  }
}

/** No path of an output looks like this: those are absolute. */
function claimOf(name: string): string {
  return `name:${name}`
}

/** Who last had the name and has no right to it any more. @throws NameTaken */
async function holderToReplace(
  directory: DataDirectory,
  name: string,
  replacing: Manifest | null,
): Promise<OutputOwner | null> {
  const holder = await directory.outputOwner(claimOf(name))
  const known = holder === null ? null : await directory.manifest(holder.batch)
  if (known === null || known.batch === replacing?.batch || (await wasReplaced(directory, known)))
    return holder
  throw new NameTaken(
    `${name} is the name of batch ${known.batch} (${known.input.name}). Choose another with --name.`,
  )
}

async function wasReplaced(directory: DataDirectory, { batch }: Manifest): Promise<boolean> {
  return (await directory.list()).some(({ replaces }) => replaces?.batch === batch)
}
