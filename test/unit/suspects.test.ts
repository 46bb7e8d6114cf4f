import { expect, it } from 'vitest'
import type { SuspicionGate } from '../../src/admission/suspicion.js'
import type { CompletionRequest } from '../../src/completions/request.js'
import { createSuspects } from '../../src/completions/suspects/suspects.js'

const failure = { status: 402, code: 'BILLING', message: '', requestId: null, envelope: null }
const mark = { epoch: 1, times: 1, balanceCents: 500, failure }
const request: CompletionRequest = {
  batch: 'b1',
  index: 0,
  generation: 0,
  customId: 'one',
  line: 1,
  body: { model: 'm', messages: [] },
}

it('a suspect that comes back when all were away waits for others, however long that was', async () => {
  const gate: SuspicionGate = {
    suspect: async () => ({ suspected: 1 }),
    probeNow: async () => {},
    confirm: async () => 'placed',
    clear: async () => {},
    look: async () => ({ kind: 'pending', epoch: 1, quietMs: 3600_000, ageMs: 3600_000 }),
  }
  const suspects = createSuspects({
    gate,
    balance: { ask: async () => 500, isKnown: true },
    now: () => 0,
    random: () => 0,
    recall: () => {},
    onEvent: () => {},
  })
  expect(await suspects.reconsider(request, mark)).toMatchObject({ kind: 'wait' })
})
