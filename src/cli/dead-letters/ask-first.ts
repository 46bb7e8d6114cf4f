import type { DiscardFlags } from '../commands/dead-letters.js'
import { canAsk, confirm, NotConfirmed } from '../confirm.js'
import { formatCounted } from '../text/format.js'

/** More than this many are changed only after a question, where somebody can be asked. */
const UNASKED = 100

/** @throws NotConfirmed */
export async function askFirst(count: number, verb: string, { yes, json }: DiscardFlags): Promise<void> {
  if (count <= UNASKED || yes === true || json === true || !canAsk()) return
  await ask(count, verb)
}

/** What is discarded is gone: where nobody can be asked, only `--yes` will do. @throws NotConfirmed */
export async function askBeforeDiscard(count: number, { yes }: DiscardFlags): Promise<void> {
  if (count === 0 || yes === true) return
  if (!canAsk())
    throw new NotConfirmed('Nothing was discarded: there is no terminal to ask on. Say it with --yes.')
  if (count > UNASKED) await ask(count, 'Discard')
}

function ask(count: number, verb: string): Promise<void> {
  return confirm(`${verb} ${formatCounted(count, 'dead letter', 'dead letters')}?`, 'Nothing was changed')
}
