import { describe, expect, it } from 'vitest'
import type { HoldReason } from '../../src/admission/hold.js'
import type { HoldNow } from '../../src/batches/snapshot.js'
import { isIdle, type QueueLook } from '../../workers/queue-look.js'
import { createQueueStory, LACK_PATIENCE_MS, type OwnPart } from '../../workers/queue-story.js'

const CALM: QueueLook = {
  holds: [],
  probing: false,
  outage: null,
  workers: 1,
  requests: 0,
  activeBatches: 0,
  drainingBatches: 0,
  unserved: [],
  inbox: 0,
  inboxServed: false,
}
const UNSERVED = { directory: 'there', batches: ['b1', 'b2'], output: '/there/answers.jsonl' }

function hold(reason: HoldReason): HoldNow {
  const nothing = { requestId: null, until: null, keyFingerprint: null, byItself: false }
  return { reason, since: 0, by: 'me', code: 'c', message: 'm', ...nothing }
}

/** The kinds of what is told at each look. */
function told(
  looks: readonly (readonly [nowMs: number, look: Partial<QueueLook>])[],
  own: OwnPart = { completion: false, directory: null },
): string[][] {
  const story = createQueueStory('default', own)
  return looks.map(([nowMs, look]) => story({ ...CALM, ...look }, nowMs).map(({ kind }) => kind))
}

describe('the story of a queue', () => {
  it('tells a pause once, again when another reason joins, and the end of it', () => {
    const credits = { holds: [hold('credits')] }
    const both = { holds: [hold('credits'), hold('person')] }
    const looks = [CALM, credits, credits, both, CALM, CALM].map((look, i) => [i, look] as const)
    expect(told(looks)).toEqual([[], ['paused'], [], ['paused'], ['resumed'], []])
  })

  it('tells an outage once, and its end, but no end while the gate is held and nothing asks for Conduit', () => {
    const out = { outage: { since: 7 } }
    const held = { holds: [hold('person')] }
    const looks = [CALM, out, out, { ...held, ...out }, held, out, CALM].map((look, i) => [i, look] as const)
    expect(told(looks)).toEqual([[], ['outage'], [], ['paused'], [], ['resumed'], ['outage_ended']])
  })

  it('tells only after a while that work waits for a role which nobody has, and once', () => {
    const lacking = { unserved: [UNSERVED], activeBatches: 2 }
    expect(
      told([
        [0, lacking],
        [LACK_PATIENCE_MS - 1, lacking],
        [LACK_PATIENCE_MS, lacking],
        [2 * LACK_PATIENCE_MS, lacking],
      ]),
    ).toEqual([[], [], ['lacking'], []])
  })

  it('never tells that what this process does itself is missing, however late its signs of life are', () => {
    const lacking = { workers: 0, requests: 1, activeBatches: 2, unserved: [UNSERVED] }
    const looks = [0, 2 * LACK_PATIENCE_MS].map((nowMs) => [nowMs, lacking] as const)
    expect(told(looks, { completion: true, directory: UNSERVED.directory })).toEqual([[], []])
    expect(told(looks, { completion: true, directory: null })).toEqual([[], ['lacking']])
  })

  it('forgets a lack that ended, and tells of the next one', () => {
    const lacking = { workers: 0, requests: 1 }
    const times = [0, LACK_PATIENCE_MS, LACK_PATIENCE_MS + 1, LACK_PATIENCE_MS + 2, 3 * LACK_PATIENCE_MS]
    const looks = [lacking, lacking, CALM, lacking, lacking]
    expect(told(looks.map((look, i) => [times[i] ?? 0, look]))).toEqual([
      [],
      ['lacking'],
      [],
      [],
      ['lacking'],
    ])
  })

  it('tells that nobody keeps the answers to single requests, and is not idle while there are any', () => {
    const lacking = { inbox: 2 }
    const served = { inbox: 2, inboxServed: true }
    expect(told([lacking, lacking].map((look, i) => [i * LACK_PATIENCE_MS, look]))).toEqual([[], ['lacking']])
    expect(told([served, served].map((look, i) => [i * LACK_PATIENCE_MS, look]))).toEqual([[], []])
    expect([isIdle(CALM), isIdle({ ...CALM, ...served })]).toEqual([true, false])
  })

  it('misses nobody to make calls while there is nothing to do', () => {
    expect(
      told([
        [0, { workers: 0 }],
        [LACK_PATIENCE_MS, { workers: 0 }],
      ]),
    ).toEqual([[], []])
  })
})
