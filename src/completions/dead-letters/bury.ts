import { Job, type JobsOptions } from 'bullmq'
import { loadScript, withoutArguments } from '../../redis/scripts.js'
import { jobId } from '../request.js'
import type { DeadLetter } from './dead-letter.js'
import { type DeadLetterDeps, indexNames, modelName, portionsOf } from './filing.js'
import { groupOf, otherGroup, writeGroup } from './group.js'

const buryScript = loadScript(new URL('./bury.lua', import.meta.url))

/** Groups of a queue that are told apart; what comes then goes to one group for each code, "other messages". */
const MOST_GROUPS = 1000

/** In one transaction: Redis does nothing else meanwhile, and BullMQ's script takes its time. */
const AT_ONCE = 100

/**
 * Puts dead letters into their BullMQ queue and files them in the indexes, in one transaction for each portion. Again
 * changes nothing. A letter whose request was retried since is not filed, and leaves.
 * @returns how many left so
 * @throws Redis's error; what was not buried then is, when it is tried again
 */
export async function bury(letters: readonly DeadLetter[], deps: DeadLetterDeps): Promise<number> {
  let older = 0
  for (const [batch, own] of byBatch(letters)) {
    for (const portion of portionsOf(own, AT_ONCE)) older += await buryPortion(batch, portion, deps)
  }
  return older
}

function byBatch(letters: readonly DeadLetter[]): Map<string, DeadLetter[]> {
  const groups = new Map<string, DeadLetter[]>()
  for (const letter of letters) {
    const own = groups.get(letter.batch)
    if (own === undefined) groups.set(letter.batch, [letter])
    else own.push(letter)
  }
  return groups
}

async function buryPortion(
  batch: string,
  letters: readonly DeadLetter[],
  deps: DeadLetterDeps,
): Promise<number> {
  const replies = await addAndFile(batch, letters, deps)
  if (replies !== 'unknown_script') return replies
  // In a transaction Redis can't be sent the text of BullMQ's script when it has forgotten it; here it is.
  const [first] = letters
  if (first !== undefined) await deps.queue.add(first.code, first, jobOptions(first))
  const again = await addAndFile(batch, letters, deps)
  if (again === 'unknown_script') throw new Error('Redis forgets scripts as soon as it is told them')
  return again
}

/** Gives how many were of an older generation. */
async function addAndFile(
  batch: string,
  letters: readonly DeadLetter[],
  { keys, queue }: DeadLetterDeps,
): Promise<number | 'unknown_script'> {
  const transaction = (await queue.backend.client).multi()
  const added = letters.map((letter) => {
    const job = new Job(queue, letter.code, letter, jobOptions(letter), jobId(letter))
    return queue.backend.addJobToTransaction(transaction, job.asJSON(), jobId(letter))
  })
  await Promise.all(added)
  const names = [...indexNames(keys), keys.generations(batch), queue.toKey('')]
  const args = [MOST_GROUPS, ...letters.flatMap(filedAs)]
  // With its text: it is short beside the letters, and always known then.
  transaction.runCommand('eval', [buryScript.source, names.length, ...names, ...args])
  const replies = await transaction.exec().catch((error: unknown) => {
    throw withoutArguments(error)
  })
  const failed = (replies ?? []).map(([error]) => error).filter((error) => error !== null)
  if (failed.some((error) => error.message.startsWith('NOSCRIPT'))) return 'unknown_script'
  if (failed.length > 0) throw withoutArguments(failed[0])
  const [, older, missing] = (replies?.at(-1)?.[1] ?? []) as [number?, number?, number?]
  if (older === undefined || missing !== 0) throw new Error('Redis did not take dead letters')
  return older
}

/** With a priority BullMQ keeps it in a sorted set: from a list of 100,000 it could not be removed in time. */
function jobOptions(letter: DeadLetter): JobsOptions {
  return { jobId: jobId(letter), priority: 1 }
}

function filedAs(letter: DeadLetter): (string | number)[] {
  const { index, generation, at, code, model } = letter
  const own = groupOf(letter)
  const other = otherGroup(code)
  const place = [jobId(letter), index, generation, at, code, modelName(model)]
  return [...place, own.id, writeGroup(own), other.id, writeGroup(other)]
}
