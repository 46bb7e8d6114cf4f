import { describe, expect, it } from 'vitest'
import type { Manifest } from '../../src/batches/manifest.js'
import type { BatchState } from '../../src/batches/snapshot.js'
import { type DetailsView, renderDetails } from '../../src/cli/text/batch-details.js'
import { listState, renderList } from '../../src/cli/text/list.js'
import { createPaint } from '../../src/cli/text/paint.js'
import { repeatOptions } from '../../src/cli/text/suggest.js'
import { aBatch, aPace, aQueue } from '../support/snapshots.js'

const NOW = Date.UTC(2026, 2, 9, 12, 0, 0)
const ID = 'b0000000000a1'
const manifest = {
  batch: ID,
  name: 'nightly',
  queue: 'default',
  input: { name: 'in.jsonl', path: '/here/in.jsonl', spooled: false },
  model: null,
  total: 300,
  output: '/here/in.results.jsonl',
  errors: '/here/in.errors.jsonl',
  createdAt: NOW - 60_000,
} as unknown as Manifest

function details(state: BatchState | null, more: Partial<DetailsView> = {}): string {
  const batch = state === null ? null : aBatch({ batch: ID, state, total: 300, completed: 200, failed: 0 })
  const view: DetailsView = {
    manifest,
    batch,
    queue: aQueue({ workers: 2 }),
    here: true,
    replacedBy: null,
    ratePerSecond: null,
    leftMs: null,
    nowMs: NOW,
    ...more,
  }
  return renderDetails(view, { columns: 100, paint: createPaint(false) }).join('\n')
}

describe('status BATCH', () => {
  it.each([
    ['running', [`conduit-batch status ${ID} --watch`, `results ${ID} --partial`, `cancel ${ID}`]],
    ['completed', [`conduit-batch results ${ID}`]],
    ['stopped', [`results ${ID} --partial`, 'submit /here/in.jsonl\n']],
    ['cancelled', [`conduit-batch results ${ID}`, 'submit /here/in.jsonl\n']],
    ['expired', [`conduit-batch results ${ID}`]],
    [null, ['unknown to Redis', 'submit /here/in.jsonl\n']],
  ] as const)('of one that is %s names the next command', (state, expected) => {
    const text = details(state)
    for (const each of expected) expect(text).toContain(each)
  })

  it('says of one whose window is over what workers still do', () => {
    const batch = aBatch({ batch: ID, state: 'running', expiresAt: NOW - 1000 })
    const text = details('running', { batch, queue: aQueue({ workers: 0 }) })
    expect(text.replace(/\s+/g, ' ')).toContain(
      'Any worker will only write what is not finished as batch_expired lines',
    )
    expect(text).toContain('which is over')
  })

  it('says what to type when nobody works on it, and nothing of that when somebody does', () => {
    expect(details('running', { queue: aQueue({ workers: 0 }) })).toMatch(/No worker .* conduit-batch work\n/)
    expect(details('running')).toContain('2 workers serve the queue already.')
    expect(details('running')).not.toContain('conduit-batch work')
  })

  it('that was replaced names the one that took its place, and commands for that', () => {
    const text = details('cancelled', { replacedBy: { ...manifest, batch: 'b0000000000b2' } })
    expect(text).toContain('was replaced by batch b0000000000b2 (nightly), made of in.jsonl.')
    expect(text).toContain('conduit-batch results b0000000000b2')
    expect(text).not.toContain(`results ${ID}`)
    expect(text).not.toContain('in.results.jsonl')
  })

  it('repeats --config and --data-dir in what it suggests', () => {
    repeatOptions({ config: 'my settings.json', dataDir: 'data' })
    try {
      expect(details('completed')).toContain(
        `conduit-batch results ${ID} --config 'my settings.json' --data-dir data`,
      )
    } finally {
      repeatOptions({})
    }
  })

  it('has the pace and the time that is left while it runs', () => {
    expect(details('running', { ratePerSecond: 12, leftMs: 8000 })).toMatch(/Pace +12\/s, ~8 s left/)
    expect(details('completed', { ratePerSecond: 12, leftMs: 0 })).not.toContain('Pace')
  })

  it('has the limit as it was learned and the refused share; in an outage that nothing is to be done', () => {
    const pace = aPace({ learnedPerMinute: 720, refusedShare: 0.012 })
    expect(details('running', { ratePerSecond: 12, queue: aQueue({ pace }) })).toMatch(
      /Pace +12\/s, limit about 720\/min, 20 in flight, 1\.2% refused/,
    )
    const out = aQueue({ pace: aPace({ state: 'outage', since: NOW - 5000 }) })
    expect(details('running', { queue: out })).toMatch(/OUTAGE +Conduit does not answer .* for 5 s\./)
    expect(details('completed', { queue: out })).not.toContain('OUTAGE')
  })

  it('names failures by code, and how they are seen and sent again', () => {
    const batch = aBatch({ batch: ID, state: 'completed', failed: 3, failedByCode: { NOT_FOUND: 3 } })
    const text = details('completed', { batch })
    for (const each of ['3: NOT_FOUND 3', `retry-failed ${ID}`, `dead-letters list --batch ${ID}`]) {
      expect(text).toContain(each)
    }
  })
})

describe('list', () => {
  const row = (state: BatchState | null, held = false) => ({
    manifest,
    batch: state === null ? null : aBatch({ state, completed: 10, failed: 2 }),
    held,
  })

  it('calls a batch of a held queue paused, and one that Redis has forgotten unknown', () => {
    expect(listState(row('running', true))).toBe('paused')
    expect(listState(row('completed', true))).toBe('completed')
    expect(listState(row(null))).toBe('unknown')
  })

  it('keeps id and state where it is narrow, and says how many more there are', () => {
    const lines = renderList([row('running')], 7, NOW, { columns: 30, paint: createPaint(false) })
    expect(lines[1]).toMatch(new RegExp(`^${ID}.*running`))
    expect(Math.max(...lines.slice(0, 2).map((line) => line.length))).toBeLessThanOrEqual(30)
    expect(lines[2]).toContain('7 older')
  })
})
