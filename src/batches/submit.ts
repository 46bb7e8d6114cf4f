import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { claimErrors, claimFiles, lookUpClaim, type OutputClaim, OutputTaken } from './claim.js'
import type { DataDirectory } from './data-directory.js'
import { asDiskTrouble } from './disk-trouble.js'
import { examine, problemsOf, refuseOtherInput, refuseUnusable } from './examine.js'
import type { AtRest } from './inherit/legacy.js'
import { readRequests, takeOver } from './inherit/take-over.js'
import type { InputSource } from './input/source.js'
import type { Manifest } from './manifest.js'
import { claimName } from './names.js'
import { BadLines, identityOf, type Submission, type SubmitProgress } from './submission.js'

/** `resumed`: the same command ran before, and its batch goes on (or is finished). */
export interface Submitted {
  readonly manifest: Manifest
  readonly resumed: boolean
}

/**
 * Makes a batch of an input, on disk; or finds the one that the same command made before. One whose input was edited
 * since leaves its answers to the new one, where its requests are unchanged.
 *
 * @param atRest brings such a batch to rest; null: its output is refused, as any other that is there
 * @throws what `examine` throws, DiskFull, DiskUnwritable, and what `atRest` throws
 */
export async function submit(
  directory: DataDirectory,
  submission: Submission,
  onProgress: SubmitProgress = () => {},
  atRest: AtRest | null = null,
): Promise<Submitted> {
  const { model } = submission
  await refuseUnusable(submission)
  const staging = await directory.staging()
  try {
    const examined = await examine(directory, staging, submission, { onProgress, inherits: atRest !== null })
    if (examined.kind === 'known') return await goOn(directory, submission, examined.manifest)
    const { source, found, forebears, staged } = examined
    const { digest, total } = staged
    const identity = identityOf(digest, submission)
    const made = { batch: newBatchId(), source, digest, identity, found, total }
    if (atRest === null || forebears === null) {
      return await adopt(directory, staging, submission, { ...made, inherits: null })
    }
    const requests = await readRequests(staging, source, model)
    await refuseOtherInput(directory, submission, source, requests, forebears)
    return await atRest(forebears, async (resting) => {
      const inherits = await takeOver({ ...made, directory: staging, requests }, resting, directory)
      return adopt(directory, staging, submission, { ...made, inherits })
    })
  } catch (error) {
    throw asDiskTrouble(error, directory.path)
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

function newBatchId(): string {
  return `b${randomBytes(6).toString('hex')}`
}

/** The batch that the same command made before, unless it is told to be strict only now. */
async function goOn(
  directory: DataDirectory,
  { input, strict }: Submission,
  known: Manifest,
): Promise<Submitted> {
  const problems = strict ? await problemsOf(directory.batch(known.batch).directory) : []
  if (problems.length > 0) {
    throw new BadLines(input, problems, `batch ${known.batch}, which was made of it before, does not go on`)
  }
  await claimErrors(directory, known)
  return { manifest: known, resumed: true }
}

interface Made {
  readonly batch: string
  readonly source: InputSource
  /** Of what it holds. */
  readonly digest: string
  readonly identity: string
  readonly total: number
  /** Who had the output before staging, which may have taken long. */
  readonly found: OutputClaim
  readonly inherits: Manifest['inherits']
}

/** Makes the staged input a batch and its files' owner; or finds that the same command was faster elsewhere. */
async function adopt(
  directory: DataDirectory,
  staging: string,
  submission: Submission,
  made: Made,
): Promise<Submitted> {
  const { claim, owner } = await lookUpClaim(directory, submission)
  if (!submission.fresh && claim?.batch !== made.found.claim?.batch)
    return winner(directory, submission, made)
  const manifest = manifestOf(directory, submission, made, owner)
  await directory.adopt(staging, manifest)
  try {
    await claimName(directory, manifest, owner)
    if (await claimFiles(directory, manifest, claim)) {
      return { manifest, resumed: false }
    }
  } catch (error) {
    await directory.remove(manifest.batch)
    throw error
  }
  await directory.remove(manifest.batch)
  return winner(directory, submission, made)
}

/** The batch that was faster, when the same command made it. @throws OutputTaken when it is another */
async function winner(
  directory: DataDirectory,
  submission: Submission,
  { identity }: Made,
): Promise<Submitted> {
  const { owner } = await lookUpClaim(directory, submission)
  if (owner?.identity === identity) return { manifest: owner, resumed: true }
  throw new OutputTaken(
    `${submission.output} was just taken by another batch. Name another file with --output.`,
  )
}

function manifestOf(
  directory: DataDirectory,
  { input, output, errors, queue, name, model, options }: Submission,
  { batch, source, digest, identity, total, inherits }: Made,
  owner: Manifest | null,
): Manifest {
  const { spooled, bytes } = source
  const path = spooled ? join(directory.batch(batch).directory, basename(source.path)) : source.path
  return {
    version: 1,
    batch,
    queue,
    // Whoever asks for it by its name means what it has become.
    name: name ?? owner?.name ?? null,
    identity,
    input: { name: input, path, spooled, bytes, digest },
    model,
    options,
    total,
    replaces: owner === null ? null : { batch: owner.batch, queue: owner.queue },
    inherits,
    output,
    errors,
    createdAt: Date.now(),
  }
}
