import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSizeCount, type SizesByModel } from '../credits/request-sizes.js'
import { type DataDirectory, findDataDirectory, openDataDirectory } from './data-directory.js'
import { asDiskTrouble } from './disk-trouble.js'
import { type Examined, examine, problemsOf, refuseOtherInput, refuseUnusable } from './examine.js'
import { readRequests } from './inherit/take-over.js'
import { stageInput } from './input/stage.js'
import type { TallySum } from './input/tally.js'
import type { Manifest } from './manifest.js'
import { BadLines, type Submission, type SubmitProgress } from './submission.js'

/** What a command would have handed over. */
export interface DryRun {
  readonly staged: TallySum
  readonly sizes: SizesByModel
  /** The batch that the same command made before, and would go on with. */
  readonly known: Manifest | null
  /** The batch whose answers to unchanged requests would be kept. */
  readonly inheritsFrom: string | null
}

/**
 * Looks at an input as `submit` would, refuses what that would refuse, and leaves nothing behind: what it needs on
 * disk is gone when it returns. No Redis is asked.
 *
 * @param path of the data directory; one that is not there is not made
 * @throws what `submit` throws, but for what it finds out only when it makes the batch
 */
export async function dryRun(
  path: string,
  submission: Submission,
  onProgress: SubmitProgress = () => {},
): Promise<DryRun> {
  await refuseUnusable(submission)
  return withDirectory(path, async (directory) => {
    const staging = await directory.staging()
    return removing(staging, () =>
      look(directory, staging, submission, onProgress).catch((error: unknown) => {
        throw asDiskTrouble(error, directory.path)
      }),
    )
  })
}

/** Removes a directory after its use, also when the process is told to leave meanwhile. */
async function removing<T>(path: string, use: () => Promise<T>): Promise<T> {
  const now = () => rmSync(path, { recursive: true, force: true })
  process.once('exit', now)
  try {
    return await use()
  } finally {
    await rm(path, { recursive: true, force: true })
    process.off('exit', now)
  }
}

/** The data directory, or an empty one for the moment. */
async function withDirectory<T>(path: string, use: (directory: DataDirectory) => Promise<T>): Promise<T> {
  const known = await findDataDirectory(path)
  if (known !== null) return use(known)
  const aside = await mkdtemp(join(tmpdir(), 'conduit-batch-dry-run-'))
  return removing(aside, async () => use(await openDataDirectory(aside)))
}

async function look(
  directory: DataDirectory,
  staging: string,
  submission: Submission,
  onProgress: SubmitProgress,
): Promise<DryRun> {
  const count = createSizeCount()
  const examined = await examine(directory, staging, submission, {
    onProgress,
    inherits: true,
    sizes: count,
  })
  if (examined.kind === 'known') {
    const { source, manifest } = examined
    const sizes = createSizeCount()
    const { model, strict, input } = submission
    const staged = await stageInput({ source, model, directory: staging, sizes })
    if (strict && staged.rejected > 0) {
      const consequence = `batch ${manifest.batch}, which was made of it before, would not go on`
      throw new BadLines(input, await problemsOf(staging), consequence)
    }
    return { staged, sizes: sizes.sizes(), known: manifest, inheritsFrom: null }
  }
  return {
    staged: examined.staged,
    sizes: count.sizes(),
    known: null,
    inheritsFrom: await heirOf(directory, staging, submission, examined),
  }
}

async function heirOf(
  directory: DataDirectory,
  staging: string,
  submission: Submission,
  { source, forebears }: Examined & { kind: 'new' },
): Promise<string | null> {
  if (forebears === null) return null
  const requests = await readRequests(staging, source, submission.model)
  await refuseOtherInput(directory, submission, source, requests, forebears)
  return forebears[0]?.batch ?? null
}
