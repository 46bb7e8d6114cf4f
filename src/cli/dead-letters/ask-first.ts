import type { DiscardFlags } from '../commands/dead-letters.js'
import { canAsk, confirm } from '../confirm.js'
import { formatCounted } from '../text/format.js'

/** More than this many are changed only after a question, where somebody can be asked. */
const UNASKED = 100

/** @throws NotConfirmed */
export async function askFirst(count: number, verb: string, { yes, json }: DiscardFlags): Promise<void> {
  if (count <= UNASKED || yes === true || json === true || !canAsk()) return
  await confirm(`${verb} ${formatCounted(count, 'dead letter', 'dead letters')}?`, 'Nothing was changed')
}
