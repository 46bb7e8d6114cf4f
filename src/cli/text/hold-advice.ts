import type { HoldReason } from '../../admission/hold.js'
import { resumeCommand, whatToDo } from '../../alerts/advice.js'
import type { NextSteps } from './batch-next-steps.js'
import { suggested } from './suggest.js'

/** What a person can do about a hold, as it is typed here. @param byItself it ends when its cause has gone */
export function holdAdvice(reason: HoldReason, queue: string, byItself: boolean): NextSteps {
  const plain = resumeCommand(queue)
  const command = suggested(plain)
  const sentences = whatToDo(reason, queue, byItself).map((sentence) =>
    sentence.replace(plain, () => command),
  )
  return { sentences, commands: [command] }
}
