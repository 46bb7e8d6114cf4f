import { expect, test } from 'vitest'
import type { Evidence } from '../../scripts/chaos/evidence.js'
import { promptOf } from '../../scripts/chaos/input.js'
import { violationsOf } from '../../scripts/chaos/invariants.js'

const answer = (id: string, prompt = id) =>
  `${JSON.stringify({ custom_id: id, response: { body: { choices: [{ message: { content: `So to: ${promptOf(prompt)}` } }] } } })}\n`
const failure = (id: string) => `${JSON.stringify({ custom_id: id, response: null })}\n`

const SOUND: Evidence = {
  good: new Set(['a', 'b']),
  bad: new Set(['c']),
  results: answer('a') + answer('b'),
  errors: failure('c'),
  names: ['in.jsonl', 'in.results.jsonl', 'in.errors.jsonl'],
  batch: { state: 'completed', total: '3', completed: '2', failed: '1', fed: '3', collected: '3' },
  status: { state: 'completed', total: 3, completed: 2, failed: 1 },
  stats: { promptsCompleted: 2, repeatedCompletions: 0 } as Evidence['stats'],
  holds: [],
  openIncident: null,
  incidents: ['i-1'],
  outbox: 0,
  alerts: [
    { type: 'incident.opened', incident: 'i-1' },
    { type: 'incident.resolved', incident: 'i-1' },
  ],
  jobs: [],
}

test('a batch that is sound has no violation', () => {
  expect(violationsOf(SOUND, { repeats: 0, alertRepeats: 0 })).toEqual([])
})

test.each<[string, Partial<Evidence>, RegExp]>([
  ['lost', { results: answer('a') }, /^lost \(no answer\): b$/],
  ['doubled in one file', { results: answer('a') + answer('b') + answer('a') }, /^doubled: a$/],
  ['in both files', { errors: failure('c') + failure('b') }, /^doubled: b$/],
  [
    'the answer to another prompt',
    { results: answer('a') + answer('b', 'a') },
    /^answer to another prompt: b$/,
  ],
  ['a torn line', { results: `${answer('a')}{"cus\n${answer('b')}` }, /^a torn line in the results file/],
  ['an unfinished line', { errors: failure('c').trimEnd() }, /^the errors file ends in the middle/],
  ['a count that is wrong', { batch: { ...SOUND.batch, completed: '3' } }, /^Redis says completed 3, not 2$/],
  ['another count that is wrong', { batch: { ...SOUND.batch, collected: '4' } }, /^fed 3, collected 4 of 3$/],
  ['a status that is wrong', { status: { ...SOUND.status, state: 'running' } }, /^status says state running/],
  ['a prompt that nobody asked', { stats: { ...SOUND.stats, promptsCompleted: 1 } }, /^1 of 2 prompts/],
  [
    'a call that was paid twice',
    { stats: { ...SOUND.stats, repeatedCompletions: 1 } },
    /^1 calls were paid twice/,
  ],
  ['a hold', { holds: ['credits'] }, /^a hold is left: credits$/],
  ['an incident', { openIncident: 'i-2' }, /^an incident is still open/],
  ['an alert that waits', { outbox: 1 }, /^1 alerts were never sent$/],
  ['an alert too few', { alerts: SOUND.alerts.slice(0, 1) }, /^incident.resolved was not told/],
  ['an alert too many', { alerts: [...SOUND.alerts, ...SOUND.alerts] }, /^2 alerts were told twice/],
  ['an alert of nothing', { incidents: [] }, /^incident.opened of an incident that is not known/],
  ['a draft', { names: ['in.results.jsonl.partial'] }, /^left in the directory/],
  ['a job', { jobs: ['cb:completions:wait'] }, /^left in Redis/],
])('finds %s', (_, wrong, violation) => {
  const found = violationsOf({ ...SOUND, ...wrong }, { repeats: 0, alertRepeats: 0 })
  expect(found).toContainEqual(expect.stringMatching(violation))
})
