import { brakeAdvice, brakeInWords, resumeBatchCommand } from '../../alerts/brake-advice.js'
import type { Brake } from '../../completions/brake.js'
import type { NextSteps } from './batch-next-steps.js'
import { oneLine } from './harmless.js'
import { shellWord } from './shell-word.js'
import { suggested } from './suggest.js'

/** What a person can do about a batch that the brake has stopped, as it is typed here. */
export function brakeSteps({ batch }: Brake): NextSteps {
  const id = shellWord(batch)
  const commands = [resumeBatchCommand(id), `conduit-batch cancel ${id}`]
  const typed = commands.map((command) => suggested(command))
  const sentences = brakeAdvice(id).map((sentence) =>
    commands.reduce((text, command, i) => text.replace(command, () => typed[i] as string), sentence),
  )
  return { sentences, commands: typed }
}

/** Why it was stopped: `The brake: 19 of its last 20 requests failed with …` */
export function brakeSentence(brake: Brake): string {
  return `The brake: ${oneLine(brakeInWords(brake))}.`
}
