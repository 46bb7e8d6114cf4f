import { createHash, randomBytes } from 'node:crypto'
import { access, constants, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { BatchOptions } from '../completions/request.js'
import type { DataDirectory, OutputOwner } from './data-directory.js'
import { readRejects } from './input/rejects.js'
import { type InputSource, openSource } from './input/source.js'
import { type StagedInput, stageInput } from './input/stage.js'
import type { Manifest } from './manifest.js'
import { partialName } from './publish.js'

/** What somebody asks for. Paths are absolute, but for `input` when it is `-`. */
export interface Submission {
  readonly input: string
  readonly stdin: AsyncIterable<Buffer>
  readonly output: string
  readonly errors: string
  readonly queue: string
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
  /** The batch that `fresh` replaced. */
  readonly replaced: string | null
}

/** The output is there, or grows, and belongs to something else. */
export class OutputTaken extends Error {
  readonly code = 'output_taken'
}

/** Answers can't be written there. */
export class OutputUnusable extends Error {
  readonly code = 'output_unusable'
}

/** `strict`: lines that can't be sent. Nothing was. */
export class BadLines extends Error {
  readonly code = 'bad_lines'
  readonly rejected: number
  /** One message a line, each naming it. */
  readonly problems: readonly string[]
  constructor(input: string, rejected: number, problems: readonly string[]) {
    super(
      `${rejected} ${rejected === 1 ? 'line' : 'lines'} of ${input} can't be sent, so nothing was (--strict)`,
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
    const owner = await directory.outputOwner(submission.output)
    const known = owner?.identity === identity ? await directory.manifest(owner.batch) : null
    if (known !== null && !submission.fresh) return { manifest: known, resumed: true, replaced: null }
    if (!submission.fresh) await refuseTakenOutput(directory, submission, owner)

    const { model } = submission
    const progress = (bytes: number) => onProgress('validating', bytes, source.bytes)
    const staged = await stageInput({ source, model, directory: staging, onProgress: progress })
    await refuseBadLines(submission, staged, staging)
    return await adopt(directory, staging, submission, { source, identity, owner, total: staged.total })
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

/** Makes the staged input a batch and its output's owner; or finds that the same command was faster elsewhere. */
async function adopt(
  directory: DataDirectory,
  staging: string,
  submission: Submission,
  found: { source: InputSource; identity: string; owner: OutputOwner | null; total: number },
): Promise<Submitted> {
  const { identity, owner } = found
  const manifest = manifestOf(directory, submission, found)
  await directory.adopt(staging, manifest)
  if (await directory.claimOutput(submission.output, { batch: manifest.batch, identity }, owner)) {
    return { manifest, resumed: false, replaced: owner?.batch ?? null }
  }
  await rm(directory.batch(manifest.batch).directory, { recursive: true })
  const winner = await directory.outputOwner(submission.output)
  const theirs = winner?.identity === identity ? await directory.manifest(winner.batch) : null
  if (theirs !== null) return { manifest: theirs, resumed: true, replaced: null }
  throw new OutputTaken(
    `${submission.output} was just taken by another batch. Name another file with --output.`,
  )
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
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

async function refuseTakenOutput(
  directory: DataDirectory,
  { output, errors, input }: Submission,
  owner: OutputOwner | null,
): Promise<void> {
  const taken: string[] = []
  for (const path of [output, errors, partialName(output), partialName(errors)]) {
    if (await exists(path)) taken.push(path)
  }
  if (taken.length === 0) return
  const manifest = owner === null ? null : await directory.manifest(owner.batch)
  const whose =
    manifest === null
      ? 'and conduit-batch did not write it from here'
      : `from batch ${manifest.batch} (${manifest.input.name}${manifest.input.name === input ? ', with other content or another model' : ''})`
  throw new OutputTaken(
    `${taken[0]} is there already, ${whose}. Name another file with --output, or replace it with --fresh.`,
  )
}

async function refuseBadLines(submission: Submission, staged: StagedInput, staging: string): Promise<void> {
  if (!submission.strict || staged.rejected === 0) return
  const problems: string[] = []
  for await (const { problem } of readRejects(staging))
    problems.push(`line ${problem.line}: ${problem.message}`)
  throw new BadLines(submission.input, staged.rejected, problems)
}

function manifestOf(
  directory: DataDirectory,
  { input, output, errors, queue, model, options }: Submission,
  { source, identity, total }: { source: InputSource; identity: string; total: number },
): Manifest {
  const batch = `b${randomBytes(6).toString('hex')}`
  const { spooled, bytes, sha256 } = source
  const path = spooled ? join(directory.batch(batch).directory, basename(source.path)) : source.path
  return {
    version: 1,
    batch,
    queue,
    identity,
    input: { name: input, path, spooled, bytes, sha256 },
    model,
    options,
    total,
    output,
    errors,
    createdAt: Date.now(),
  }
}
