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
import { shellWord } from '../text/shell-word.js'
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

/** A batch that somebody named. */
export interface FoundBatch {
  readonly manifest: Manifest
  /** Of its queue. */
  readonly session: Session
  /** Where its files are; null when that is another data directory than this command's. */
  readonly directory: DataDirectory | null
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
  const { manifest, here } = await look(wanted, directory, sessions)
  return { manifest, session: await visit.session(manifest.queue), directory: here ? directory : null }
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
): Promise<KnownBatch> {
  const ids = isBatchId(wanted) ? [async () => [wanted], liveBatches] : [liveBatches, rememberedBatches]
  let known: KnownBatch[] = []
  for (const idsOf of ids) {
    known = await knownBatches(directory, sessions, idsOf)
    const match = matchBatch(wanted, known)
    if (match.kind === 'one') return match.batch
    if (match.kind === 'several') throw ambiguous(wanted, match.batches)
  }
  throw notFound(wanted, known.length)
}

function ambiguous(wanted: string, batches: readonly KnownBatch[]): BatchAmbiguous {
  const ids = batches.map(({ manifest }) => `${manifest.batch} (${manifest.input.name})`)
  const more = ids.length > MOST_NAMED ? ` and ${formatCount(ids.length - MOST_NAMED)} more` : ''
  return new BatchAmbiguous(
    `${shellWord(wanted)} may be ${ids.slice(0, MOST_NAMED).join(', ')}${more}. Type the id of the one you mean; ` +
      'all of them: conduit-batch list',
  )
}

function notFound(wanted: string, others: number): BatchNotFound {
  const short =
    wanted.length < SHORTEST_PREFIX
      ? ` The beginning of an id has at least ${SHORTEST_PREFIX} characters.`
      : ''
  const there =
    others === 0
      ? 'There is no batch yet. Start one: conduit-batch submit prompts.jsonl'
      : `There ${others === 1 ? 'is one other' : `are ${formatCount(others)} others`}: conduit-batch list`
  return new BatchNotFound(`No batch is called ${shellWord(wanted)} here.${short} ${there}`)
}
