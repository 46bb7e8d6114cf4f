import { createHash, randomBytes } from 'node:crypto'
import { access, constants, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { BatchOptions } from '../completions/request.js'
import {
  claimErrors,
  claimFiles,
  lookUpClaim,
  type OutputClaim,
  OutputTaken,
  refuseFilesInPlace,
} from './claim.js'
import type { DataDirectory } from './data-directory.js'
import { readRejects } from './input/rejects.js'
import { type InputSource, openSource } from './input/source.js'
import { stageInput } from './input/stage.js'
import type { Manifest } from './manifest.js'

/** What somebody asks for. Paths are absolute, but for `input` when it is `-`. */
export interface Submission {
  readonly input: string
  readonly stdin: AsyncIterable<Buffer>
  readonly output: string
  readonly errors: string
  readonly queue: string
  /** What the user calls the batch. */
  readonly name: string | null
  readonly model: string | null
  readonly options: BatchOptions
  /** Refuse the whole file when one line can't be sent. */
  readonly strict: boolean
  /** Start over, whatever there was. */
  readonly fresh: boolean
}

/** `resumed`: the same command ran before, and its batch goes on (or is finished). */
export interface Submitted {
  readonly manifest: Manifest
  readonly resumed: boolean
}

/** Answers can't be written there. */
export class OutputUnusable extends Error {
  readonly code = 'output_unusable'
}

/** `strict`: lines that can't be sent. Nothing was, or nothing more is by this command. */
export class BadLines extends Error {
  readonly code = 'bad_lines'
  readonly rejected: number
  /** One message a line, each naming it. */
  readonly problems: readonly string[]
  constructor(input: string, problems: readonly string[], consequence: string) {
    const rejected = problems.length
    super(
      `${rejected} ${rejected === 1 ? 'line' : 'lines'} of ${input} can't be sent, so ${consequence} (--strict)`,
    )
    this.rejected = rejected
    this.problems = problems
  }
}

/** Told while a large input is read. */
export type SubmitProgress = (step: 'validating', bytes: number, ofBytes: number) => void

/** The same content, output, queue and model are the same batch. */
function identityOf(sha256: string, { output, queue, model }: Submission): string {
  return createHash('sha256')
    .update(JSON.stringify([sha256, output, queue, model]))
    .digest('hex')
}

/**
 * Makes a batch of an input, on disk; or finds the one that the same command made before.
 *
 * @throws InputNotFound, InputUnreadable, InputEmpty, InputChanged, OutputUnusable, OutputTaken, BadLines
 */
export async function submit(
  directory: DataDirectory,
  submission: Submission,
  onProgress: SubmitProgress = () => {},
): Promise<Submitted> {
  await refuseUnusableOutput(submission)
  const staging = await directory.staging()
  try {
    // A spooled input lies with its batch, so that it goes when the batch goes.
    const source = await openSource(submission.input, { spoolDir: staging, stdin: submission.stdin })
    const identity = identityOf(source.sha256, submission)
    const found = await lookUpClaim(directory, submission)
    if (!submission.fresh) {
      if (found.owner?.identity === identity) return await goOn(directory, submission, found.owner)
      await refuseFilesInPlace(submission, submission.input, found.owner)
    }

    const { model } = submission
    const progress = (bytes: number) => onProgress('validating', bytes, source.bytes)
    const staged = await stageInput({ source, model, directory: staging, onProgress: progress })
    if (submission.strict && staged.rejected > 0) {
      throw new BadLines(submission.input, await problemsOf(staging), 'nothing was')
    }
    return await adopt(directory, staging, submission, { source, identity, found, total: staged.total })
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
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
  readonly source: InputSource
  readonly identity: string
  readonly total: number
  /** Who had the output before staging, which may have taken long. */
  readonly found: OutputClaim
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

async function refuseUnusableOutput({ input, output, errors }: Submission): Promise<void> {
  if (input !== '-' && [output, errors].includes(resolve(input))) {
    throw new OutputUnusable(
      `${input} is the input: answers would replace it. Name another file with --output.`,
    )
  }
  for (const path of [output, errors]) {
    const found = await stat(path).catch(() => null)
    if (found?.isDirectory()) {
      throw new OutputUnusable(`${path} is a directory. Name a file for the answers with --output.`)
    }
  }
  const directory = dirname(output)
  await access(directory, constants.W_OK).catch((error: NodeJS.ErrnoException) => {
    const why =
      error.code === 'ENOENT' ? 'there is no such directory' : `it can't be written to (${error.code})`
    throw new OutputUnusable(
      `Answers can't go to ${directory}: ${why}. Make it, or name a file elsewhere with --output.`,
    )
  })
}

async function problemsOf(batchDirectory: string): Promise<string[]> {
  const problems: string[] = []
  for await (const { problem } of readRejects(batchDirectory)) {
    problems.push(`line ${problem.line}: ${problem.message}`)
  }
  return problems
}

function manifestOf(
  directory: DataDirectory,
  { input, output, errors, queue, name, model, options }: Submission,
  { source, identity, total }: Made,
  owner: Manifest | null,
): Manifest {
  const batch = `b${randomBytes(6).toString('hex')}`
  const { spooled, bytes, sha256 } = source
  const path = spooled ? join(directory.batch(batch).directory, basename(source.path)) : source.path
  return {
    version: 1,
    batch,
    queue,
    name,
    identity,
    input: { name: input, path, spooled, bytes, sha256 },
    model,
    options,
    total,
    replaces: owner === null ? null : { batch: owner.batch, queue: owner.queue },
    output,
    errors,
    createdAt: Date.now(),
  }
}
