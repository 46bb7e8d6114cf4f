import { listenForInterruptions } from '../../../workers/interruptions.js'
import { openDataDirectory } from '../../batches/data-directory.js'
import type { LineProblem } from '../../batches/input/line-problem.js'
import { readRejects } from '../../batches/input/rejects.js'
import { readBatchSnapshot, readQueueSnapshot } from '../../batches/read-snapshot.js'
import { registerBatch } from '../../batches/register-batch.js'
import type { Session } from '../../batches/session.js'
import type { Submitted } from '../../batches/submit.js'
import { type Config, loadConfig } from '../../config.js'
import { createLog } from '../../log.js'
import { EXIT } from '../exit.js'
import type { SubmitFlags } from '../run/flags.js'
import { createLazyRedis } from '../run/lazy-redis.js'
import { createScreen, type Screen } from '../run/screen.js'
import { optionsOf, stage } from '../run/stage.js'
import { visit } from '../visit.js'
import { type SubmittedView, submittedObject, submittedWords } from './submitted-words.js'

/**
 * `conduit-batch submit`: makes a batch of the input, tells Redis of it and leaves. The id goes to stdout, all else
 * to stderr.
 *
 * @throws every error that has a message for the user
 */
export async function submitBatch(input: string, flags: SubmitFlags): Promise<void> {
  const config = loadConfig(undefined, flags)
  config.assertQueue(flags.queue)
  const screen = createScreen()
  const directory = await openDataDirectory(config.dataDirectory)
  const log = createLog(config.logLevel ?? (screen.isTerminal ? 'silent' : 'warn'))
  const redis = createLazyRedis(config, screen.notice, log)
  const interruptions = listenForInterruptions(async () => {
    screen.close()
    await redis.leave()
    process.exit(EXIT.interrupted)
  })
  try {
    const wanted = { ...flags, refuseUnsendable: true }
    const submitted = await stage(input, flags.name ?? null, wanted, {
      config,
      directory,
      screen,
      log,
      redis,
    })
    const { manifest } = submitted
    const view = await visit(config, async ({ session }) => {
      const opened = await session(manifest.queue)
      await registerBatch(opened, directory, manifest, optionsOf(flags, config))
      const rejects = await lookAtRejects(directory.batch(manifest.batch).directory)
      return viewOf(opened, submitted, rejects, flags.name ?? null)
    })
    tell(view, config, flags, screen)
  } finally {
    screen.close()
    await redis.leave()
    interruptions.close()
  }
}

async function viewOf(
  session: Session,
  { manifest, resumed }: Submitted,
  rejects: Rejects,
  nameWanted: string | null,
): Promise<SubmittedView> {
  const [batch, queue] = await Promise.all([
    readBatchSnapshot(session, manifest.batch),
    readQueueSnapshot(session),
  ])
  return { manifest, resumed, ...rejects, nameWanted, batch, queue }
}

function tell(view: SubmittedView, config: Config, flags: SubmitFlags, screen: Screen): void {
  for (const line of submittedWords(view)) screen.notice(line)
  const object = submittedObject(view, config.dataDirectory)
  process.stdout.write(flags.json ? `${JSON.stringify(object)}\n` : `${view.manifest.batch}\n`)
}

type Rejects = Pick<SubmittedView, 'rejected' | 'firstProblem'>

async function lookAtRejects(directory: string): Promise<Rejects> {
  let rejected = 0
  let firstProblem: LineProblem | null = null
  for await (const { problem } of readRejects(directory)) {
    firstProblem ??= problem
    rejected++
  }
  return { rejected, firstProblem }
}
