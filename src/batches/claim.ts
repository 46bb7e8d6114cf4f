import type { Stats } from 'node:fs'
import { access, open, stat } from 'node:fs/promises'
import { placeOfLine } from '../completions/output-line.js'
import type { DataDirectory, OutputOwner } from './data-directory.js'
import type { Manifest } from './manifest.js'
import { partialName } from './publish.js'
import { filesOfAllRevisions } from './revision.js'

/** The output is there, or grows, and belongs to something else. */
export class OutputTaken extends Error {
  readonly code = 'output_taken'
}

/** Enough for the id that every line of ours begins with. */
const HEAD_BYTES = 256

/** The two files that a batch writes: final names, absolute. */
type Outputs = Pick<Manifest, 'output' | 'errors'>

/** Who has an output: what is noted for it, and the batch while its files are there. */
export interface OutputClaim {
  readonly claim: OutputOwner | null
  readonly owner: Manifest | null
}

/**
 * Looks up who has an output.
 * @throws OutputTaken when the output, or the errors file that goes with it, is a file of a batch with another output
 */
export async function lookUpClaim(
  directory: DataDirectory,
  { output, errors }: Outputs,
): Promise<OutputClaim> {
  const claim = await directory.outputOwner(output)
  const owner = await manifestOf(directory, claim)
  refuseOthers(owner, output, output)
  refuseOthers(await manifestOf(directory, await directory.outputOwner(errors)), errors, output)
  return { claim, owner }
}

async function manifestOf(directory: DataDirectory, claim: OutputOwner | null): Promise<Manifest | null> {
  return claim === null ? null : directory.manifest(claim.batch)
}

/** Two batches never share a file, not even with `--fresh`: only one with the same output is replaced. */
function refuseOthers(owner: Manifest | null, path: string, output: string): void {
  if (owner === null || owner.output === output) return
  const role = path === owner.errors ? 'failures' : 'answers'
  throw new OutputTaken(
    `${path} is where batch ${owner.batch} (${owner.input.name}) writes its ${role}. ` +
      'Name another file with --output.',
  )
}

/**
 * Makes a batch the owner of its output and its errors file, over the batch that it replaces.
 * @returns false when another was faster and has the output
 * @throws OutputTaken when another was faster and has the errors file
 */
export async function claimFiles(
  directory: DataDirectory,
  manifest: Manifest,
  over: OutputOwner | null,
): Promise<boolean> {
  const { batch, identity, output } = manifest
  if (!(await directory.claimOutput(output, { batch, identity }, over))) return false
  try {
    await claimErrors(directory, manifest)
  } catch (error) {
    // Else the next run would know nothing of the batch that was to be replaced.
    if (over !== null) await directory.claimOutput(output, over, { batch, identity })
    throw error
  }
  return true
}

/**
 * Claims the errors file of a batch that has its output; nothing to do when it has that too.
 * @throws OutputTaken
 */
export async function claimErrors(directory: DataDirectory, manifest: Manifest): Promise<void> {
  const { batch, identity, output, errors } = manifest
  for (;;) {
    const owner = await directory.outputOwner(errors)
    if (owner?.batch === batch) return
    refuseOthers(await manifestOf(directory, owner), errors, output)
    if (await directory.claimOutput(errors, { batch, identity }, owner)) return
  }
}

/**
 * Refuses to write where there is something already.
 * @throws OutputTaken
 */
export async function refuseFilesInPlace(
  outputs: Outputs,
  input: string,
  owner: Manifest | null,
): Promise<void> {
  const [taken] = await filesInPlace(outputs)
  if (taken === undefined) return
  const whose =
    owner === null
      ? await unclaimed(taken)
      : `from batch ${owner.batch} (${owner.input.name}${owner.input.name === input ? ', with other content or another model' : ''})`
  throw new OutputTaken(
    `${taken} is there already, ${whose}. Name another file with --output, or replace it with --fresh.`,
  )
}

/** What may be said of a file that belongs to no batch that is known here. */
async function unclaimed(path: string): Promise<string> {
  const head = await firstBytes(path)
  return placeOfLine(head) === null
    ? 'and conduit-batch did not write it from here'
    : 'and conduit-batch may have written it; its batch was removed (purge or retention), or is of another data directory'
}

async function firstBytes(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => null)
  if (file === null) return '' // It can't be read, so nothing more is known of it.
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

/**
 * Refuses to write where there is something that none of these batches wrote.
 * @throws OutputTaken
 */
export async function refuseForeignFiles(
  directory: DataDirectory,
  outputs: Outputs,
  batches: readonly Manifest[],
): Promise<void> {
  const own: Stats[] = []
  for (const { batch } of batches) {
    for (const path of await filesOfAllRevisions(directory.batch(batch).directory)) own.push(await stat(path))
  }
  for (const path of await filesInPlace(outputs)) {
    const seen = await stat(path)
    // Where there are no links, what is seen is a copy.
    if (own.some(({ ino, dev, size }) => (ino === seen.ino && dev === seen.dev) || size === seen.size))
      continue
    throw new OutputTaken(
      `${path} is there already, and is not as batch ${batches[0]?.batch} wrote it. Move it away, name another ` +
        'file with --output, or replace it with --fresh.',
    )
  }
}

/** What is under the final names, and the names under which files grow. */
async function filesInPlace({ output, errors }: Outputs): Promise<string[]> {
  const found: string[] = []
  for (const path of [output, errors, partialName(output), partialName(errors)]) {
    if (await exists(path)) found.push(path)
  }
  return found
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
