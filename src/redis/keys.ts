export const QUEUE_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/
/** That in words. */
export const QUEUE_NAME_RULE = 'use 1 to 63 of a-z, 0-9 and "-", starting with a letter or a digit'
/** The batch of the requests that programs enqueue one by one: it never ends, and has no input and no files. */
export const INBOX_BATCH = 'b000000000000'
const KEY_PREFIX = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/

/** A queue's name is part of every key name and of file names, so it is kept plain. */
export class InvalidQueueName extends Error {
  readonly code = 'invalid_queue_name'

  constructor(queue: string) {
    super(`${JSON.stringify(queue)} can't be a queue's name: ${QUEUE_NAME_RULE}`)
    this.name = 'InvalidQueueName'
  }
}

/** A prefix with braces would break the hash tag, and with it every script on a cluster. */
export class InvalidKeyPrefix extends Error {
  readonly code = 'invalid_key_prefix'

  constructor(prefix: string) {
    super(
      `${JSON.stringify(prefix)} can't be a key prefix: use 1 to 63 of A-Z, a-z, 0-9, "_" and "-", starting with a letter or a digit`,
    )
    this.name = 'InvalidKeyPrefix'
  }
}

/**
 * The names of all keys of one queue. They share one hash tag, so on a cluster the queue lives in one slot and
 * each script may touch any of them. BullMQ's own keys are `<tag>:<BullMQ queue>:…`: name no BullMQ queue
 * like a word below.
 */
export interface QueueKeys {
  readonly tag: string
  /** What BullMQ calls `prefix`. */
  readonly bullPrefix: string
  readonly gate: string
  readonly pace: string
  /** The incident that is open now. */
  readonly incident: string
  /** Incidents of the past, newest first. */
  readonly incidents: string
  /** Alerts that were decided on and not yet enqueued. */
  readonly outbox: string
  /** Heartbeats of the worker processes. */
  readonly workers: string
  /** What each of them is at: calls that are out, permits, concurrency (admission/gauges.ts). */
  readonly gauges: string
  /** What answers took, by model: `used:answers|chars|prompt|completion:<model>` (record.lua). */
  readonly usage: string
  /** Balances that were seen, and what is told from them (src/credits/). */
  readonly credits: string
  /** Who asks for the balance, when, and what was seen since a hold for credits (src/credits/). */
  readonly creditsLook: string
  /** How each channel of alerts fares. */
  readonly channels: string
  /** Where each batch is in the order of calls (completions/turns/). */
  readonly turns: string
  readonly activeBatches: string
  /** Batches that were ended early, whose last answers may not be in files yet. */
  readonly drainingBatches: string
  /** Ids of dead letters by time, and the other indexes of the dead letters. */
  readonly deadLetters: DeadLetterKeys
  /** Who feeds and collects in a data directory. */
  lease(dataDirId: string): string
  batch(id: string): string
  /** One bit a request: it has its answer, or is dead. */
  done(id: string): string
  /** The generation of each request that was retried from the dead letters. */
  generations(id: string): string
  /** Results that are not in files yet. */
  stream(id: string): string
  /** Indexes that were retried from the dead letters and are not fed yet. */
  retries(id: string): string
  /** What a retry changed in the body of a request, by index. */
  edits(id: string): string
  /** Earlier ends of retried requests, by index. */
  history(id: string): string
  /** Single requests that programs enqueue. */
  readonly inbox: InboxKeys
}

/** What the queue knows of each request of its inbox; it goes some time after the answer. */
export interface InboxKeys {
  /** What is counted of them, as of any batch. */
  readonly batch: string
  /** Custom id, digest of the body, and the answer once there is one. */
  request(index: string | number): string
  /** Index of the request with this custom id, of which the SHA-256 is in the name. */
  customId(sha256: string): string
  /** Channel that tells which requests have just been answered. */
  readonly answered: string
}

/** The indexes of a queue's dead letters. Members are ids of requests, scores the time of death. */
export interface DeadLetterKeys {
  readonly all: string
  /** What a group is: code, message, fields. By group id. */
  readonly groups: string
  /** How many letters each group has; by group id. */
  readonly groupSizes: string
  /** Where each letter is filed: its group id, code and model. */
  readonly groupOf: string
  /** Letters whose BullMQ job is still to be removed. */
  readonly leaving: string
  byBatch(batch: string): string
  byCode(code: string): string
  byModel(model: string): string
}

/**
 * Gives the key names of a queue.
 * @throws InvalidQueueName, InvalidKeyPrefix
 */
export function queueKeys(prefix: string, queue: string): QueueKeys {
  if (!QUEUE_NAME.test(queue)) throw new InvalidQueueName(queue)
  const tag = `{${checkedPrefix(prefix)}:${queue}}`
  const batch = (id: string): string => `${tag}:batch:${id}`
  return {
    tag,
    bullPrefix: tag,
    gate: `${tag}:gate`,
    pace: `${tag}:pace`,
    incident: `${tag}:incident`,
    incidents: `${tag}:incidents`,
    outbox: `${tag}:outbox`,
    workers: `${tag}:workers`,
    gauges: `${tag}:gauges`,
    usage: `${tag}:usage`,
    credits: `${tag}:credits`,
    creditsLook: `${tag}:credits-look`,
    channels: `${tag}:channels`,
    turns: `${tag}:turns`,
    activeBatches: `${tag}:active-batches`,
    drainingBatches: `${tag}:draining-batches`,
    deadLetters: deadLetterKeys(`${tag}:dead`),
    lease: (dataDirId) => `${tag}:lease:${dataDirId}`,
    batch,
    done: (id) => `${batch(id)}:done`,
    generations: (id) => `${batch(id)}:generations`,
    stream: (id) => `${batch(id)}:stream`,
    retries: (id) => `${batch(id)}:retries`,
    edits: (id) => `${batch(id)}:edits`,
    history: (id) => `${batch(id)}:history`,
    inbox: {
      batch: batch(INBOX_BATCH),
      request: (index) => `${tag}:inbox:request:${index}`,
      customId: (sha256) => `${tag}:inbox:custom-id:${sha256}`,
      answered: `${tag}:inbox:answered`,
    },
  }
}

function deadLetterKeys(prefix: string): DeadLetterKeys {
  return {
    all: `${prefix}:all`,
    groups: `${prefix}:groups`,
    groupSizes: `${prefix}:group-sizes`,
    groupOf: `${prefix}:group-of`,
    leaving: `${prefix}:leaving`,
    byBatch: (batch) => `${prefix}:batch:${batch}`,
    byCode: (code) => `${prefix}:code:${code}`,
    byModel: (model) => `${prefix}:model:${model}`,
  }
}

/**
 * Gives the name of the set of all queues that were ever used under a prefix.
 * @throws InvalidKeyPrefix
 */
export function registryKey(prefix: string): string {
  return `{${checkedPrefix(prefix)}}:queues`
}

function checkedPrefix(prefix: string): string {
  if (!KEY_PREFIX.test(prefix)) throw new InvalidKeyPrefix(prefix)
  return prefix
}
