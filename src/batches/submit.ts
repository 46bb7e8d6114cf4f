import { createHash, randomBytes } from 'node:crypto'
import { access, constants, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { BatchOptions } from '../completions/request.js'
import type { DataDirectory, OutputOwner } from './data-directory.js'
import { readRejects } from './input/rejects.js'
import { openSource } from './input/source.js'
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
  const source = await openSource(submission.input, {
    spoolDir: join(directory.path, 'spool'),
    stdin: submission.stdin,
  })
  const identity = identityOf(source.sha256, submission)
  const owner = await directory.outputOwner(submission.output)
  if (owner?.identity === identity && !submission.fresh) {
    const manifest = await directory.manifest(owner.batch)
    if (manifest !== null) return { manifest, resumed: true, replaced: null }
  }
  if (!submission.fresh) await refuseTakenOutput(directory, submission, owner)

  const staging = await directory.staging()
  try {
    const staged = await stageInput({
      source,
      model: submission.model,
      directory: staging,
      onProgress: (bytes) => onProgress('validating', bytes, source.bytes),
    })
    await refuseBadInput(submission, staged, staging)
    const manifest = manifestOf(submission, source, identity, staged.total)
    await directory.adopt(staging, manifest)
    const claim = { batch: manifest.batch, identity }
    if (await directory.claimOutput(submission.output, claim, owner)) {
      return { manifest, resumed: false, replaced: owner?.batch ?? null }
    }
    await rm(directory.batch(manifest.batch).directory, { recursive: true })
    return submit(directory, submission, onProgress)
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
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

async function refuseBadInput(submission: Submission, staged: StagedInput, staging: string): Promise<void> {
  if (!submission.strict || staged.rejected === 0) return
  const problems: string[] = []
  for await (const { problem } of readRejects(staging))
    problems.push(`line ${problem.line}: ${problem.message}`)
  throw new BadLines(submission.input, staged.rejected, problems)
}

function manifestOf(
  submission: Submission,
  source: { path: string; spooled: boolean; bytes: number; sha256: string },
  identity: string,
  total: number,
): Manifest {
  const { path, spooled, bytes, sha256 } = source
  return {
    version: 1,
    batch: `b${randomBytes(6).toString('hex')}`,
    queue: submission.queue,
    identity,
    input: { name: submission.input, path, spooled, bytes, sha256 },
    model: submission.model,
    options: submission.options,
    total,
    output: submission.output,
    errors: submission.errors,
    createdAt: Date.now(),
  }
}
