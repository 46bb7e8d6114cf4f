/** What the simulator knows of one prompt. `key` is the sha256 of the JSON of its `messages`. */
export interface PromptRecord {
  readonly key: string
  calls: number
  /** Calls that were answered 200 with a completion, and so billed. */
  completed: number
  /** Of those, the ones whose client had gone before the answer was written. */
  undelivered: number
  /** Billed, then lost on purpose (fault LOST_ANSWER); not among `completed`. */
  lost: number
  /** The status of each call in the order of the decisions; 0 where none was sent. */
  readonly statuses: number[]
  /** How often it reached the fault rules, and how often a directive gave it a fault. */
  draws: number
  directed: number
}

export type PromptCalls = Readonly<Omit<PromptRecord, 'draws' | 'directed'>>

/** A record for others to read and keep. */
export function readableCalls({ draws, directed, ...calls }: PromptRecord): PromptCalls {
  return { ...calls, statuses: [...calls.statuses] }
}

/** The record of a prompt, a new one when it was never seen. */
export function recordOf(prompts: Map<string, PromptRecord>, key: string): PromptRecord {
  let record = prompts.get(key)
  if (record === undefined) {
    record = { key, calls: 0, completed: 0, undelivered: 0, lost: 0, statuses: [], draws: 0, directed: 0 }
    prompts.set(key, record)
  }
  return record
}

/** What the records say of them all. */
export function sumOf(prompts: Iterable<PromptRecord>) {
  const totals = {
    promptsSeen: 0,
    promptsCompleted: 0,
    promptsCompletedMoreThanOnce: 0,
    repeatedCalls: 0,
    repeatedCompletions: 0,
  }
  for (const { calls, completed } of prompts) {
    totals.promptsSeen += 1
    totals.repeatedCalls += calls - 1
    totals.repeatedCompletions += Math.max(0, completed - 1)
    if (completed > 0) totals.promptsCompleted += 1
    if (completed > 1) totals.promptsCompletedMoreThanOnce += 1
  }
  return totals
}
