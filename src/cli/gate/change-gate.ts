import { userInfo } from 'node:os'
import { resumeCommand } from '../../alerts/advice.js'
import { readQueueSnapshot } from '../../batches/read-snapshot.js'
import type { Session } from '../../batches/session.js'
import { loadConfig } from '../../config.js'
import type { GateFlags } from '../commands/gate.js'
import { suggested } from '../text/suggest.js'
import { workersSentence } from '../text/workers-words.js'
import { visit } from '../visit.js'

/** Places a person's hold; only a person lifts it. */
export async function pause(queue: string, flags: GateFlags): Promise<void> {
  await withSession(queue, flags, async ({ gate, completions }) => {
    const placed = await gate.hold({
      reason: 'person',
      by: whoAmI(),
      code: 'paused_by_person',
      message: flags.reason ?? 'paused by hand',
      requestId: null,
      keyFingerprint: null,
      epoch: null,
      retryAfterMs: 0,
    })
    await completions.pause()
    tell(flags, { queue, held: true, changed: placed === 'placed' }, [
      placed === 'placed'
        ? `Queue ${queue} is paused. Calls in flight finish; nothing is lost.`
        : `Queue ${queue} was paused already.`,
      `To go on: ${suggested(resumeCommand(queue))}`,
    ])
  })
}

/** Lifts every hold. BullMQ's own pause follows at once, so that workers wake up now. */
export async function resumeQueue(queue: string, flags: GateFlags): Promise<void> {
  await withSession(queue, flags, async (session) => {
    const { gate, completions } = session
    const { lifted } = await gate.lift('*', 'person', whoAmI())
    const { probing } = await gate.read()
    if (await completions.isPaused()) await completions.resume()
    const { workers } = await readQueueSnapshot(session)
    tell(
      flags,
      { queue, held: false, changed: lifted > 0, probing, workers },
      resumedWords(queue, { lifted, probing, workers }),
    )
  })
}

/** What a resume came to, and who is missing for it to have an effect. */
export function resumedWords(
  queue: string,
  {
    lifted,
    probing,
    workers,
  }: { readonly lifted: number; readonly probing: boolean; readonly workers: number },
): string[] {
  const opened =
    lifted > 0
      ? `Queue ${queue} is open.`
      : probing
        ? `Queue ${queue} was resumed already, and waits for one call to succeed.`
        : `Queue ${queue} was open already.`
  return [
    opened,
    ...(probing && lifted > 0 ? ['One call goes first; when it succeeds, all go on.'] : []),
    ...(probing && lifted === 0
      ? ['When that call succeeds, all go on; there is nothing more to resume.']
      : []),
    ...(workers === 0 ? [workersSentence({ queue, workers })] : []),
  ]
}

function withSession(queue: string, flags: GateFlags, change: (session: Session) => Promise<void>) {
  const config = loadConfig(undefined, flags)
  config.assertQueue(queue)
  return visit(config, async ({ session }) => change(await session(queue)))
}

/** For people, or for programs. */
export function tell(flags: GateFlags, object: Record<string, unknown>, lines: readonly string[]): void {
  process.stdout.write(flags.json ? `${JSON.stringify(object)}\n` : `${lines.join('\n')}\n`)
}

/** A container may run as a user that nothing names. */
function whoAmI(): string {
  try {
    return userInfo().username
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SYSTEM_ERROR') throw error
    return `user ${process.getuid?.() ?? ''}`.trim()
  }
}
