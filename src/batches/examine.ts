import { access, constants, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { priceOf } from '../credits/prices.js'
import { createSizeCount, type SizeCount } from '../credits/request-sizes.js'
import { lookUpClaim, type OutputClaim, refuseFilesInPlace, refuseForeignFiles } from './claim.js'
import type { DataDirectory } from './data-directory.js'
import { findForebears } from './inherit/legacy.js'
import { hasUnchanged, type RequestTable } from './inherit/unchanged.js'
import { contentDigest } from './input/content-digest.js'
import { readRejects } from './input/rejects.js'
import { readRequestIndex } from './input/request-index.js'
import { type InputSource, openSource } from './input/source.js'
import { type StagedInput, stageInput } from './input/stage.js'
import type { Manifest } from './manifest.js'
import { checkBatchName, refuseTakenName } from './names.js'
import {
  BadLines,
  CostUnknown,
  identityOf,
  NothingSendable,
  OutputUnusable,
  type Submission,
  type SubmitProgress,
} from './submission.js'

/** What an input is: that of the batch which the same command made before, or a new one, staged. */
export type Examined =
  | { readonly kind: 'known'; readonly manifest: Manifest; readonly source: InputSource }
  | {
      readonly kind: 'new'
      readonly source: InputSource
      readonly staged: StagedInput
      /** Who had the output before staging, which may have taken long. */
      readonly found: OutputClaim
      /** Whose answers it may take over, newest first; null: nobody's. */
      readonly forebears: readonly Manifest[] | null
    }

export interface ExamineOptions {
  readonly onProgress: SubmitProgress
  /** False: an output that is there is refused, although an edited file might take it over. */
  readonly inherits: boolean
  readonly sizes?: SizeCount
}

/**
 * Reads the whole input, and refuses what can't become a batch. Nothing is left but what is in `staging`.
 * @throws InputNotFound, InputUnreadable, InputEmpty, InputChanged, OutputTaken, BadLines, NothingSendable, NameTaken,
 * ResultFileDamaged, CostUnknown
 */
export async function examine(
  directory: DataDirectory,
  staging: string,
  submission: Submission,
  { onProgress, inherits, sizes }: ExamineOptions,
): Promise<Examined> {
  const { name, model, fresh, pricesNeeded = false } = submission
  // A spooled input lies with its batch, so that it goes when the batch goes.
  const source = await openSource(submission.input, { spoolDir: staging, stdin: submission.stdin })
  const found = await lookUpClaim(directory, submission)
  const { owner } = found
  // Staging tells it too; so the input is read once more only where there is something to compare it with.
  const known = fresh || owner === null ? null : await contentDigest(source.path)
  if (known !== null && owner?.identity === identityOf(known, submission)) {
    return { kind: 'known', manifest: owner, source }
  }
  if (name !== null) await refuseTakenName(directory, name, owner)
  const forebears = fresh || !inherits || owner === null ? null : await findForebears(directory, owner)
  if (forebears !== null) await refuseForeignFiles(directory, submission, forebears)
  else if (!fresh) await refuseFilesInPlace(submission, submission.input, owner)

  const counted = sizes ?? (pricesNeeded ? createSizeCount() : null)
  const staged = await stageInput({
    source,
    model,
    directory: staging,
    expected: known,
    onProgress: (bytes) => onProgress('validating', bytes, source.bytes),
    ...(counted === null ? {} : { sizes: counted }),
  })
  const { total, rejected, firstProblems } = staged
  if (submission.strict && rejected > 0) {
    throw new BadLines(submission.input, await problemsOf(staging), 'nothing was')
  }
  const [problem] = firstProblems
  if (submission.refuseUnsendable && rejected === total && problem !== undefined) {
    throw new NothingSendable(submission.input, problem)
  }
  if (pricesNeeded && counted !== null) refuseUnpriced(counted, submission)
  return { kind: 'new', source, staged, found, forebears }
}

/** @throws CostUnknown */
function refuseUnpriced(counted: SizeCount, { options: { prices = {} } }: Submission): void {
  const unpriced = [...counted.sizes().keys()].filter((model) => priceOf(prices, model) === null)
  if (unpriced.length > 0) throw new CostUnknown(unpriced)
}

/** What needs no look at the input. @throws InvalidBatchName, OutputUnusable */
export async function refuseUnusable({ input, output, errors, name }: Submission): Promise<void> {
  if (name !== null) checkBatchName(name)
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

/**
 * A file is an edited one when it is the same file, or has a request in common: for any other the output is taken.
 * @throws OutputTaken
 */
export async function refuseOtherInput(
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

/** One message a line that can't be sent, each naming it. @param batchDirectory where it was staged */
export async function problemsOf(batchDirectory: string): Promise<string[]> {
  const problems: string[] = []
  for await (const { problem } of readRejects(batchDirectory)) {
    problems.push(`line ${problem.line}: ${problem.message}`)
  }
  return problems
}
