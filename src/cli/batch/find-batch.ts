import { type DataDirectory, findDataDirectory } from '../../batches/data-directory.js'
import {
  isBatchId,
  type KnownBatch,
  knownBatches,
  liveBatches,
  rememberedBatches,
} from '../../batches/known-batches.js'
import type { Manifest } from '../../batches/manifest.js'
import type { Session } from '../../batches/session.js'
import type { Config } from '../../config.js'
import { formatCount } from '../text/format.js'
import { replacedWords } from '../text/replaced-words.js'
import { shellWord } from '../text/shell-word.js'
import { suggested } from '../text/suggest.js'
import type { Visit } from '../visit.js'
import { matchBatch, SHORTEST_PREFIX } from './match-batch.js'

/** No batch is called so. */
export class BatchNotFound extends Error {
  readonly code = 'batch_not_found'
}

/** Several batches are called so. */
export class BatchAmbiguous extends Error {
  readonly code = 'batch_ambiguous'
}

/** The files of a batch lie in another data directory. */
export class BatchElsewhere extends Error {
  readonly code = 'batch_elsewhere'
}

/** The batch is no more: another has its output. */
export class BatchReplaced extends Error {
  readonly code = 'batch_replaced'
}

/** A batch that somebody named. */
export interface FoundBatch {
  readonly manifest: Manifest
  /** Of its queue. */
  readonly session: Session
  /** Where its files are; null when that is another data directory than this command's. */
  readonly directory: DataDirectory | null
  /** What took its place in the end: the file was edited, or `--fresh` started over. */
  readonly replacedBy: Manifest | null
}

const MOST_NAMED = 5

/**
 * Finds the batch that a word names: its id, the beginning of it (3 characters or more), or the name it was given.
 * Looks in the data directory and in every queue of Redis.
 *
 * @throws BatchNotFound, BatchAmbiguous
 */
export async function findBatch(wanted: string, visit: Visit, config: Config): Promise<FoundBatch> {
  const directory = await findDataDirectory(config.dataDirectory)
  const sessions = await Promise.all((await visit.queues()).map(visit.session))
  const { one, known } = await look(wanted, directory, sessions)
  const { manifest, here } = one
  const session = await visit.session(manifest.queue)
  return { manifest, session, directory: here ? directory : null, replacedBy: replacerOf(manifest, known) }
}

/** @throws BatchReplaced, with the command that means its replacement: `results`, for one */
export function assertNotReplaced({ manifest, replacedBy }: FoundBatch, command: string): void {
  if (replacedBy === null) return
  throw new BatchReplaced(
    `Batch ${manifest.batch} ${replacedWords(replacedBy)}. Type: ${suggested(`conduit-batch ${command} ${replacedBy.batch}`)}`,
  )
}

/** The last of those that took over from one another. */
function replacerOf({ batch }: Manifest, known: readonly KnownBatch[]): Manifest | null {
  const replacer = known.find(({ manifest }) => manifest.replaces?.batch === batch)
  if (replacer === undefined) return null
  return replacerOf(replacer.manifest, known) ?? replacer.manifest
}

/** Where its files are, for commands that need them. @throws BatchElsewhere */
export async function directoryOf({ manifest, session, directory }: FoundBatch): Promise<DataDirectory> {
  if (directory !== null) return directory
  const { batch, output } = manifest
  const [id, place] = await session.redis.hmget(session.keys.batch(batch), 'directory', 'directoryPath')
  const where = place ? `in ${place}` : `in another one${id ? ` (its id is ${id})` : ''}`
  throw new BatchElsewhere(
    `The files of batch ${batch} are not in this data directory but ${where}; its answers go to ${output}. ` +
      'Run this where it was submitted, or name that directory with --data-dir.',
  )
}

/** The cheap places first; all that Redis remembers only when they do not tell. */
async function look(
  wanted: string,
  directory: DataDirectory | null,
  sessions: readonly Session[],
): Promise<{ readonly one: KnownBatch; readonly known: readonly KnownBatch[] }> {
  const ids = isBatchId(wanted) ? [async () => [wanted], liveBatches] : [liveBatches, rememberedBatches]
  let known: KnownBatch[] = []
  for (const idsOf of ids) {
    known = await knownBatches(directory, sessions, idsOf)
    const match = matchBatch(wanted, known)
    if (match.kind === 'one') return { one: match.batch, known }
    if (match.kind === 'several') throw ambiguous(wanted, match.batches)
  }
  throw notFound(wanted, known.length)
}

function ambiguous(wanted: string, batches: readonly KnownBatch[]): BatchAmbiguous {
  const ids = batches.map(({ manifest }) => `${manifest.batch} (${manifest.input.name})`)
  const more = ids.length > MOST_NAMED ? ` and ${formatCount(ids.length - MOST_NAMED)} more` : ''
  return new BatchAmbiguous(
    `${shellWord(wanted)} may be ${ids.slice(0, MOST_NAMED).join(', ')}${more}. Type the id of the one you mean; ` +
      `all of them: ${suggested('conduit-batch list')}`,
  )
}

function notFound(wanted: string, others: number): BatchNotFound {
  const short =
    wanted.length < SHORTEST_PREFIX
      ? ` The beginning of an id has at least ${SHORTEST_PREFIX} characters.`
      : ''
  const there =
    others === 0
      ? `There is no batch yet. Start one: ${suggested('conduit-batch submit prompts.jsonl')}`
      : `There ${others === 1 ? 'is one other' : `are ${formatCount(others)} others`}: ${suggested('conduit-batch list')}`
  return new BatchNotFound(`No batch is called ${shellWord(wanted)} here.${short} ${there}`)
}
