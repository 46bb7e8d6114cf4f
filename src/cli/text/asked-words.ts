import { resumeBatchCommand } from '../../alerts/brake-advice.js'
import { budgetAdvice, budgetInWords } from '../../alerts/budget-advice.js'
import type { BatchSnapshot } from '../../batches/snapshot.js'
import type { NextSteps } from './batch-next-steps.js'
import { brakeSentence, brakeSteps } from './brake-words.js'
import { oneLine } from './harmless.js'
import { type Canvas, labelled } from './layout.js'
import { shellWord } from './shell-word.js'
import { suggested } from './suggest.js'

/** A batch may have stopped itself to ask a person: the brake, or a budget that is used up. */
export type Asking = Pick<BatchSnapshot, 'batch' | 'brake' | 'overBudget'>

/** Why it asks, as a sentence; null when it does not. */
export function askedSentence({ brake, overBudget }: Asking): string | null {
  if (brake !== null) return brakeSentence(brake)
  return overBudget === null ? null : `Over budget: ${budgetInWords(overBudget)}.`
}

/** What a person can do about it; null when it does not ask. */
export function askedSteps({ brake, overBudget }: Asking): NextSteps | null {
  if (brake !== null) return brakeSteps(brake)
  if (overBudget === null) return null
  const id = shellWord(overBudget.batch)
  const commands = [resumeBatchCommand(id), `conduit-batch cancel ${id}`]
  const typed = commands.map((command) => suggested(command))
  const sentences = budgetAdvice(id, overBudget).map((sentence) =>
    commands.reduce((text, command, i) => text.replace(command, () => typed[i] as string), sentence),
  )
  return { sentences, commands: typed }
}

/** All of that as a block, for a look at several batches; nothing when it does not ask. */
export function askedBlock(asking: Asking, canvas: Canvas): string[] {
  const [why, steps] = [askedSentence(asking), askedSteps(asking)]
  if (why === null || steps === null) return []
  const label = asking.brake !== null ? 'BRAKED' : 'STOPPED'
  const look = { tone: 'alert', labelTone: 'alert' } as const
  return [
    ...labelled(label, `Batch ${oneLine(asking.batch)}. ${why}`, canvas, look),
    ...steps.sentences.flatMap((sentence, index) =>
      labelled(index === 0 ? 'What to do' : '', sentence, canvas, { commands: steps.commands }),
    ),
  ]
}
