import { expect } from 'vitest'
import type { RequestPlace } from '../../../src/completions/request.js'
import { answered, refused } from '../endings.js'
import type { Action } from './actions.js'
import type { BatchSystem } from './batch-system.js'

/** What must be remembered to tell whether a batch keeps its promises. */
export interface Model {
  /** Requests whose answer was accepted and can't be lost any more. */
  readonly answers: Set<number>
  /** Calls that are out. */
  out: RequestPlace[]
  /** Endings that were recorded, to be recorded again. */
  readonly past: RequestPlace[]
}

/** After so long the end of a batch is looked for again. */
const SHORT_MS = 200
/** Longer than a batch stands still until it is looked through. */
const LONG_MS = 6000

/** Plays one action, and checks on the way that nothing is called that has its answer. */
export async function play(action: Action, system: BatchSystem, model: Model): Promise<void> {
  switch (action.kind) {
    case 'feed':
      await system.step((work) => work.feed(500), action.crash)
      return
    case 'collect':
      await system.step((work) => work.collect(), action.crash)
      return
    case 'settle_end':
      system.wait(SHORT_MS)
      await system.step((work) => work.settleEnd(), action.crash)
      return
    case 'call':
      return call(action.pick, system, model)
    case 'answer':
    case 'die':
      return end(action, system, model)
    case 'work':
      return workOff(action.failing, system, model)
    case 'late': {
      const place = picked(model.past, action.pick)
      if (place !== undefined) expect(await system.record(place, answered(place))).not.toBe('recorded')
      return
    }
    case 'workers_die':
      model.out = []
      return
    case 'crash':
      return system.crash(action.torn)
    case 'redrive':
      await system.redrive(action.most)
      return
    case 'cancel':
      return system.cancel()
    case 'reopen':
      return system.reopen()
    case 'redis_forgets':
      return forget(action.actions, system, model)
    case 'wait':
      system.wait(LONG_MS)
  }
}

/** Whether there was a job to take. */
async function call(pick: number, system: BatchSystem, model: Model): Promise<void> {
  const busy = new Set(model.out.map(({ index }) => index))
  const place = picked(
    (await system.jobs()).filter(({ index }) => !busy.has(index)),
    pick,
  )
  if (place === undefined) return
  switch (await system.verdict(place)) {
    case 'go':
      expect(
        model.answers.has(place.index),
        `request ${place.index} is called, though it has its answer`,
      ).toBe(false)
      model.out.push(place)
      return
    case 'done':
    case 'stopped':
      await system.removeJob(place)
      return
    case 'wait':
    case 'lost':
  }
}

async function end(
  { kind, pick, again, jobStays }: Extract<Action, { kind: 'answer' | 'die' }>,
  system: BatchSystem,
  model: Model,
): Promise<void> {
  const place = picked(model.out, pick)
  if (place === undefined) return
  model.out = model.out.filter((one) => one !== place)
  const ending = kind === 'answer' ? answered(place) : refused(place)
  const recorded = await system.record(place, ending)
  if (recorded === 'recorded') {
    model.past.push(place)
    if (kind === 'answer') model.answers.add(place.index)
    if (again) expect(await system.record(place, ending)).toBe('already')
  }
  // Else its worker died before BullMQ heard of it.
  if (!jobStays) await system.removeJob(place)
}

/** What is in files can't be lost by it; of the rest, Redis knows what it knew before. */
async function forget(actions: readonly Action[], system: BatchSystem, model: Model): Promise<void> {
  const goBack = await system.remember()
  const before = new Set(model.answers)
  for (const action of actions) await play(action, system, model)
  await goBack()
  const onDisk = new Set((await system.lines()).results.map(({ index }) => index))
  for (const index of model.answers) {
    if (!onDisk.has(index) && !before.has(index)) model.answers.delete(index)
  }
  model.past.length = 0
}

/** Takes every job there is, and ends every call that is out. */
async function workOff(failing: number, system: BatchSystem, model: Model): Promise<void> {
  for (const _ of await system.jobs()) await call(0, system, model)
  while (model.out.length > 0) {
    const kind = ((model.out[0]?.index ?? 0) + 1) % failing === 0 ? 'die' : 'answer'
    await end({ kind, pick: 0, again: false, jobStays: false }, system, model)
  }
}

/** No job that is there buys an answer again. */
export async function checkJobs(system: BatchSystem, model: Model): Promise<void> {
  for (const place of await system.jobs()) {
    if (model.answers.has(place.index))
      expect(await system.verdict(place), `of request ${place.index}`).not.toBe('go')
  }
}

/** Each line of the files that count is of another run of a request, and no request has two answers. */
export async function checkLines(system: BatchSystem): Promise<void> {
  const { results, errors } = await system.lines()
  const runs = [...results, ...errors].map(({ index, generation }) => `${index}.${generation}`)
  expect(runs.length, `lines twice: ${runs.join(' ')}`).toBe(new Set(runs).size)
  const { state, total } = await system.marks()
  if (['completed', 'cancelled', 'expired'].includes(state)) {
    const indexes = new Set([...results, ...errors].map(({ index }) => index))
    expect(indexes.size, `requests in the files of a batch that is ${state}`).toBe(total)
  }
  const answers = results.map(({ index }) => index)
  expect(answers.length, `answers twice: ${answers.join(' ')}`).toBe(new Set(answers).size)
}

const MOST_STEPS = 200

/** Everybody works in peace until the batch is over; then each request is in one of the files, once, and all counts say so. */
export async function finishInPeace(system: BatchSystem, model: Model, total: number): Promise<void> {
  await system.reopen()
  for (let steps = 0; (await system.marks()).state !== 'completed'; steps++) {
    const stuck =
      steps < MOST_STEPS
        ? ''
        : JSON.stringify({ ...(await system.marks()), jobs: await system.jobs(), out: model.out })
    expect(stuck, 'the batch does not come to its end').toBe('')
    await system.step((work) => work.feed(500), null)
    await workOff(4, system, model)
    await system.step((work) => work.collect(), null)
    await system.step((work) => work.settleEnd(), null)
    system.wait(LONG_MS)
  }
  await checkLines(system)
  const { results, errors } = await system.lines()
  const indexes = [...results, ...errors].map(({ index }) => index).sort((a, b) => a - b)
  expect(indexes).toEqual(Array.from({ length: total }, (_, index) => index))
  expect(results.map(({ index }) => index)).toEqual(expect.arrayContaining([...model.answers]))
  expect(await system.marks()).toMatchObject({
    total,
    fed: total,
    completed: results.length,
    failed: errors.length,
    collected: total,
  })
}

function picked<T>(choices: readonly T[], pick: number): T | undefined {
  return choices[pick % Math.max(1, choices.length)]
}
