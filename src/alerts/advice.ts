import type { HoldReason, LiftedBy } from '../admission/hold.js'

interface Notice {
  /** What happened, as a sentence without its full stop. */
  readonly words: string
  /** Each a sentence that stands on its own; `resume` is the command to type. */
  readonly whatToDo: (resume: string) => string[]
  /** The same in one line, for those who read it far from the terminal. */
  readonly action: (resume: string) => string
}

// What ends each hold is said in Conduit's Error Handling and Rate Limiting pages; see docs/errors.md.
const notices: Readonly<Record<HoldReason, Notice>> = {
  credentials: {
    words: 'Conduit refused the API key',
    whatToDo: (resume) => [
      'Put another key into CONDUIT_API_KEY and start the same command again.',
      'Or write it to the file that CONDUIT_API_KEY_FILE names: a new key there is noticed by itself.',
      `Is the same key valid again? Then type: ${resume}`,
    ],
    action: (resume) =>
      'Put another key into CONDUIT_API_KEY and start the same command again, or write it to the file that ' +
      `CONDUIT_API_KEY_FILE names, where it is noticed by itself. If the same key is valid again: ${resume}`,
  },
  credits: {
    words: 'The Conduit account has run out of credits',
    whatToDo: (resume) => ['Top up at https://conduit.im (billing dashboard).', `Then type: ${resume}`],
    action: (resume) => `Top up at https://conduit.im (billing dashboard), then type: ${resume}`,
  },
  spending_limit: {
    words: 'The API key has reached its spending limit',
    whatToDo: (resume) => [
      "Raise the key's limit in the Conduit dashboard (https://conduit.im).",
      `Then type: ${resume}`,
      'Otherwise one call is tried after 1 min, doubling up to 1 h, and all goes on when it succeeds.',
    ],
    action: (resume) =>
      `Raise the key's limit in the Conduit dashboard (https://conduit.im), then type: ${resume} ` +
      '(otherwise one call is tried after 1 min, doubling up to 1 h)',
  },
  daily_quota: {
    words: "Today's quota at Conduit is used up",
    whatToDo: (resume) => [
      'Nothing: it reopens by itself after midnight UTC.',
      `Was the quota raised? Then type: ${resume}`,
    ],
    action: (resume) =>
      `Nothing to do: it reopens by itself after midnight UTC. If the quota was raised: ${resume}`,
  },
  person: {
    words: 'Somebody paused this queue',
    whatToDo: (resume) => [`When it may go on, type: ${resume}`],
    action: (resume) => `When it may go on, type: ${resume}`,
  },
  storage: {
    words: 'There is no room left to store answers',
    whatToDo: (resume) => [
      'Free disk space, or give Redis more memory: the error says which.',
      'Then it goes on by itself, within seconds.',
      `To try at once, type: ${resume}`,
    ],
    action: (resume) =>
      'Free disk space, or give Redis more memory: the message says which. Then it goes on by itself ' +
      `(to try at once: ${resume})`,
  },
}

/** The command that lifts the holds of `queue`; the queue's name is left out when it is `default`. */
export function resumeCommand(queue: string): string {
  return queue === 'default' ? 'conduit-batch resume' : `conduit-batch resume ${queue}`
}

/** Why a queue is held, in plain words without a full stop. */
export function reasonInWords(reason: HoldReason): string {
  return notices[reason].words
}

/** What a person can do about a hold: plain sentences, with the exact commands. */
export function whatToDo(reason: HoldReason, queue: string): string[] {
  return notices[reason].whatToDo(resumeCommand(queue))
}

/** What a person can do about a hold, in one line: the `action` of a webhook. */
export function actionSentence(reason: HoldReason, queue: string): string {
  return notices[reason].action(resumeCommand(queue))
}

/** What ended a pause, in plain words without a full stop. */
export function liftedInWords(liftedBy: LiftedBy, reason: HoldReason): string {
  switch (liftedBy) {
    case 'person':
      return 'somebody resumed it'
    case 'new_key':
      return 'another API key was found'
    case 'credits_seen':
      return 'new credits were seen in the account'
    case 'room':
      return 'there was room again'
    case 'time':
      return reason === 'daily_quota' ? 'a new day began (UTC)' : 'it was time for another try'
  }
}
