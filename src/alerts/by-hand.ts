import type { HoldReason } from '../admission/hold.js'

/**
 * What to do about a hold that no live worker lifts when its cause has gone (`--no-auto-resume`, or none is at work):
 * sentences, of which the last ends with the command. Null where that makes no difference.
 */
export function byHand(reason: HoldReason, resume: string): string[] | null {
  switch (reason) {
    case 'credentials':
      return [
        'Write another key to the key file (CONDUIT_API_KEY_FILE, or apiKeyFile in the settings). Is there none? Put ' +
          'it into CONDUIT_API_KEY (or the variable that apiKeyEnv names) and start the same command again.',
        `No worker tries it by itself now, so then type: ${resume}`,
      ]
    case 'credits':
      return [
        'Top up at https://conduit.im (billing dashboard).',
        `No worker notices that by itself now, so then type: ${resume}`,
      ]
    case 'spending_limit':
      return [
        "Raise the key's limit in the Conduit dashboard (https://conduit.im).",
        `No worker tries again by itself now, so then type: ${resume}`,
      ]
    case 'daily_quota':
      return [
        'It begins anew at midnight UTC.',
        `No worker goes on by itself now, so after that type: ${resume}`,
      ]
    case 'person':
    case 'storage':
      return null
  }
}
