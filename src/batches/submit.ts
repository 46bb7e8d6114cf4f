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
  refuseForeignFiles,
} from './claim.js'
import type { DataDirectory } from './data-directory.js'
import { asDiskTrouble } from './disk-trouble.js'
import { type AtRest, findForebears } from './inherit/legacy.js'
import { readRequests, takeOver } from './inherit/take-over.js'
import { hasUnchanged, type RequestTable } from './inherit/unchanged.js'
import { contentDigest } from './input/content-digest.js'
import type { LineProblem } from './input/line-problem.js'
import { readRejects } from './input/rejects.js'
import { readRequestIndex } from './input/request-index.js'
import { type InputSource, openSource } from './input/source.js'
import { stageInput } from './input/stage.js'
import type { Manifest } from './manifest.js'
import { checkBatchName, claimName, refuseTakenName } from './names.js'

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
  /** Refuse a file of which not one line can be sent; else it becomes a batch whose requests have all failed. */
  readonly refuseUnsendable?: boolean
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

/** No line of the input can be sent: nothing was registered. */
export class NothingSendable extends Error {
  readonly code = 'nothing_sendable'
  constructor(input: string, { line, code, message }: LineProblem) {
    const model = code === 'missing_model' ? ' Or name one for all lines that have none: --model MODEL' : ''
    super(
      `No line of ${input === '-' ? 'stdin' : input} can be sent, so no batch was made of it. Line ${line}: ${message}${model}`,
    )
  }
}

/** Told while a large input is read. */
export type SubmitProgress = (step: 'validating', bytes: number, ofBytes: number) => void

/** The same content, output, queue and model are the same batch. */
function identityOf(digest: string, { output, queue, model }: Submission): string {
  return createHash('sha256')
    .update(JSON.stringify([digest, output, queue, model]))
    .digest('hex')
}

/**
 * Makes a batch of an input, on disk; or finds the one that the same command made before. One whose input was edited
 * since leaves its answers to the new one, where its requests are unchanged.
 *
 * @param atRest brings such a batch to rest; null: its output is refused, as any other that is there
 * @throws InputNotFound, InputUnreadable, InputEmpty, InputChanged, OutputUnusable, OutputTaken, BadLines,
 * NothingSendable, InvalidBatchName, NameTaken, ResultFileDamaged, DiskFull, DiskUnwritable, and what `atRest` throws
 */
export async function submit(
  directory: DataDirectory,
  submission: Submission,
  onProgress: SubmitProgress = () => {},
  atRest: AtRest | null = null,
): Promise<Submitted> {
  const { name, model, fresh } = submission
  if (name !== null) checkBatchName(name)
  await refuseUnusableOutput(submission)
  const staging = await directory.staging()
  try {
    // A spooled input lies with its batch, so that it goes when the batch goes.
    const source = await openSource(submission.input, { spoolDir: staging, stdin: submission.stdin })
    const found = await lookUpClaim(directory, submission)
    const { owner } = found
    // Staging tells it too; so the input is read once more only where there is something to compare it with.
    const known = fresh || owner === null ? null : await contentDigest(source.path)
    if (known !== null && owner?.identity === identityOf(known, submission)) {
      return await goOn(directory, submission, owner)
    }
    if (name !== null) await refuseTakenName(directory, name, owner)
    const forebears =
      fresh || atRest === null || owner === null ? null : await findForebears(directory, owner)
    if (forebears !== null) await refuseForeignFiles(directory, submission, forebears)
    else if (!fresh) await refuseFilesInPlace(submission, submission.input, owner)

    const progress = (bytes: number) => onProgress('validating', bytes, source.bytes)
    const { total, rejected, firstProblems, digest } = await stageInput({
      source,
      model,
      directory: staging,
      expected: known,
      onProgress: progress,
    })
    if (submission.strict && rejected > 0) {
      throw new BadLines(submission.input, await problemsOf(staging), 'nothing was')
    }
    const [problem] = firstProblems
    if (submission.refuseUnsendable && rejected === total && problem !== undefined) {
      throw new NothingSendable(submission.input, problem)
    }
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

/**
 * A file is an edited one when it is the same file, or has a request in common: for any other the output is taken.
 * @throws OutputTaken
 */
async function refuseOtherInput(
  directory: DataDirectory,
  submission: Submission,
  source: InputSource,
  requests: RequestTable,
  forebears: readonly Manifest[],
): Promise<void> {
  const [owner] = forebears
  if (owner === undefined || isSameInput(submission.input, source, owner)) return
  for (const { batch } of forebears) {
    const known = await readRequestIndex(directory.batch(batch).directory)
    if (known !== null && hasUnchanged(requests, known)) return
  }
  await refuseFilesInPlace(submission, submission.input, owner)
}

/** Stdin is another each time. */
function isSameInput(name: string, { path, spooled }: InputSource, { input }: Manifest): boolean {
  return spooled ? name === input.name && name !== '-' : path === input.path
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
