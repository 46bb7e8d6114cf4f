import type { HoldReason, LiftedBy } from '../admission/hold.js'
import { byHand } from './by-hand.js'

interface Notice {
  /** What happened, as a sentence without its full stop. */
  readonly words: string
  /** Each a sentence that stands on its own; `resume` is the command to type. */
  readonly whatToDo: (resume: string) => string[]
  /** The same in one line, for those who read it far from the terminal. */
  readonly action: (resume: string) => string
  /** The page of Conduit where it can be mended or looked up; null where none helps. */
  readonly link: string | null
  /** Whether `resume` may be of use once it is mended: not where it goes on by itself at once, or nothing can be mended. */
  readonly isResumed: boolean
}

const DASHBOARD = 'https://conduit.im'
/** About keys and their spending limits. */
const KEYS = 'https://conduit.im/docs/authentication'
const USAGE = 'https://conduit.im/docs/api/usage'

// What ends each hold is said in Conduit's Error Handling and Rate Limiting pages; see docs/errors.md.
const notices: Readonly<Record<HoldReason, Notice>> = {
  credentials: {
    words: 'Conduit refused the API key',
    whatToDo: (resume) => [
      'Write another key to the key file (CONDUIT_API_KEY_FILE, or apiKeyFile in the settings): it is noticed by itself.',
      'Is there none? Put it into CONDUIT_API_KEY (or the variable that apiKeyEnv names) and start the same command again.',
      `Is the same key valid again? Then type: ${resume}`,
    ],
    action: (resume) =>
      'Write another key to the key file (CONDUIT_API_KEY_FILE, or apiKeyFile in the settings), where it is noticed by ' +
      'itself; without a key file put it into CONDUIT_API_KEY (or the variable that apiKeyEnv names) and start the same ' +
      `command again. If the same key is valid again: ${resume}`,
    link: KEYS,
    isResumed: true,
  },
  credits: {
    words: 'The Conduit account has run out of credits',
    whatToDo: (resume) => [
      'Top up at https://conduit.im (billing dashboard). Then it goes on by itself, once the balance shows it.',
      `To go on at once, type: ${resume}`,
    ],
    action: (resume) =>
      'Top up at https://conduit.im (billing dashboard); then it goes on by itself, once the balance shows it ' +
      `(to go on at once: ${resume})`,
    link: DASHBOARD,
    isResumed: true,
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
    link: KEYS,
    isResumed: true,
  },
  daily_quota: {
    words: "Today's quota at Conduit is used up",
    whatToDo: (resume) => [
      'Nothing: it reopens by itself after midnight UTC.',
      `Was the quota raised? Then type: ${resume}`,
    ],
    action: (resume) =>
      `Nothing to do: it reopens by itself after midnight UTC. If the quota was raised: ${resume}`,
    link: USAGE,
    isResumed: false,
  },
  person: {
    words: 'Somebody paused this queue',
    whatToDo: (resume) => [`When it may go on, type: ${resume}`],
    action: (resume) => `When it may go on, type: ${resume}`,
    link: null,
    isResumed: true,
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
    link: null,
    isResumed: false,
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

/**
 * What a person can do about a hold: plain sentences, with the exact commands.
 * @param byItself it ends when its cause has gone; else nothing but `resume` ends it
 */
export function whatToDo(reason: HoldReason, queue: string, byItself: boolean): string[] {
  const resume = resumeCommand(queue)
  return (byItself ? null : byHand(reason, resume)) ?? notices[reason].whatToDo(resume)
}

/** What a person can do about a hold, in one line: the `action` of a webhook. */
export function actionSentence(reason: HoldReason, queue: string, byItself: boolean): string {
  const resume = resumeCommand(queue)
  return (byItself ? null : byHand(reason, resume)?.join(' ')) ?? notices[reason].action(resume)
}

/** The page of Conduit that helps with a hold; null where none does. */
export function linkFor(reason: HoldReason): string | null {
  return notices[reason].link
}

/** The line to type once the cause of a hold is mended; null where nothing need be typed. */
export function commandFor(reason: HoldReason, queue: string, byItself: boolean): string | null {
  return notices[reason].isResumed || !byItself ? resumeCommand(queue) : null
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
