import { findDataDirectory } from '../../batches/data-directory.js'
import { knownBatches, rememberedBatches } from '../../batches/known-batches.js'
import { readBatchSnapshot } from '../../batches/read-snapshot.js'
import { loadConfig } from '../../config.js'
import type { ListFlags } from '../commands/list.js'
import { outputCanvas } from '../status/output-canvas.js'
import { type ListRow, listState, renderList } from '../text/list.js'
import { createPaint } from '../text/paint.js'
import { suggested } from '../text/suggest.js'
import { assertKnownQueue, type Visit, visit } from '../visit.js'

/** `conduit-batch list`: the batches of this data directory and those that Redis remembers, newest first. */
export async function list(flags: ListFlags): Promise<void> {
  const config = loadConfig(undefined, flags)
  const rows = await visit(config, async (visiting) => {
    if (flags.queue !== undefined) await assertKnownQueue(flags.queue, visiting, config)
    return look(visiting, config.dataDirectory)
  })
  const wanted = rows
    .filter(({ manifest }) => flags.queue === undefined || manifest.queue === flags.queue)
    .filter((row) => flags.state === undefined || flags.state.includes(listState(row)))
    .sort((a, b) => b.manifest.createdAt - a.manifest.createdAt)
  const shown = wanted.slice(0, flags.limit)
  if (flags.json) {
    process.stdout.write(
      `${JSON.stringify({ batches: shown.map(asObject), more: wanted.length - shown.length })}\n`,
    )
    return
  }
  if (shown.length === 0) {
    const none =
      rows.length === 0
        ? 'There is no batch yet'
        : `No batch is like that; all of them: ${suggested('conduit-batch list')}`
    const start = rows.length === 0 ? `. Start one: ${suggested('conduit-batch submit prompts.jsonl')}` : ''
    process.stderr.write(`${none}${start}\n`)
    return
  }
  const { columns, colour } = outputCanvas()
  const canvas = { columns, paint: createPaint(colour) }
  process.stdout.write(`${renderList(shown, wanted.length - shown.length, Date.now(), canvas).join('\n')}\n`)
}

async function look({ queues, session }: Visit, dataDirectory: string): Promise<ListRow[]> {
  const sessions = await Promise.all((await queues()).map(session))
  const known = await knownBatches(await findDataDirectory(dataDirectory), sessions, rememberedBatches)
  const held = new Set<string>()
  for (const { queue, gate } of sessions) if ((await gate.read()).holds.length > 0) held.add(queue)
  return Promise.all(
    known.map(async ({ manifest }) => ({
      manifest,
      batch: await readBatchSnapshot(await session(manifest.queue), manifest.batch),
      held: held.has(manifest.queue),
    })),
  )
}

function asObject(row: ListRow) {
  const { manifest, batch } = row
  return {
    batch: manifest.batch,
    name: manifest.name,
    queue: manifest.queue,
    state: listState(row),
    total: manifest.total,
    completed: batch?.completed ?? null,
    failed: batch?.failed ?? null,
    unfinished: batch?.unfinished ?? null,
    reason: batch?.reason ?? null,
    createdAt: manifest.createdAt,
    finishedAt: batch?.finishedAt ?? null,
    input: manifest.input.name,
    output: manifest.output,
  }
}
