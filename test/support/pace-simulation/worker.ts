import type { PaceReport } from '../../../src/admission/pace/state.js'
import type { Backlog, Prompt } from './backlog.js'
import type { VirtualClock } from './clock.js'
import type { SharedPace, SimulatedLease } from './shared-pace.js'
import type { Reply, Upstream } from './upstream.js'

interface Surroundings {
  readonly clock: VirtualClock
  readonly pace: SharedPace
  readonly backlog: Backlog
  readonly upstream: Upstream
  readonly random: () => number
}

interface Scheduled {
  readonly prompt: Prompt
  readonly epoch: number
  isVoid: boolean
}

const MOST_PERMITS_A_LEASE = 200
const LONGEST_WAIT_S = 0.5
const GATHER_S = 0.004
const REPORT_S = 0.1
/** A refused or failed prompt waits so long at least, with a jitter of half of it. */
const BACKOFF_S = 1
const LONGEST_BACKOFF_S = 120

/** One process with so many places for prompts. What it does with permits is what src/admission/permits.ts does. */
export function startWorker(around: Surroundings, concurrency: number): void {
  const { clock, pace, backlog, upstream, random } = around
  const wakeUp = createWakeUp(clock, ask)
  let reports = new Map<number, Sum>()
  let waiting: Prompt[] = []
  let scheduled: Scheduled[] = []
  let free = concurrency
  let usefulAt = 0
  let refusedEpoch = -1

  function fill(): void {
    while (free > 0) {
      const prompt = backlog.take()
      if (prompt === undefined) return
      free--
      waiting.push(prompt)
      wakeUp.in(Math.max(GATHER_S, usefulAt - clock.now))
    }
  }

  function sumFor(epoch: number): Sum {
    let sum = reports.get(epoch)
    if (sum === undefined) {
      sum = { ...NOTHING, epoch }
      reports.set(epoch, sum)
    }
    return sum
  }

  function voidScheduled(): void {
    const left = scheduled.filter((permit) => !permit.isVoid)
    for (const permit of left) {
      permit.isVoid = true
      sumFor(permit.epoch).unsent++
    }
    waiting = [...left.map(({ prompt }) => prompt), ...waiting]
    scheduled = []
  }

  function ask(): void {
    const want = Math.min(waiting.length, MOST_PERMITS_A_LEASE)
    const sending = [...reports.values()]
    reports = new Map()
    pace.ask(want, sending, (told) => {
      scheduled = scheduled.filter(({ isVoid }) => !isVoid)
      if (!told.isOpen || scheduled.some(({ epoch }) => epoch < told.epoch)) voidScheduled()
      giveOut(told)
      const wait = want === 0 && waiting.length > 0 ? 0 : Math.min(LONGEST_WAIT_S, told.lease.wait)
      wakeUp.done()
      usefulAt = clock.now + wait
      if (waiting.length > 0) wakeUp.in(wait)
      else if (reports.size > 0) wakeUp.in(REPORT_S)
    })
  }

  function giveOut({ lease, epoch, isOpen }: SimulatedLease): void {
    for (let i = 0; i < lease.permits; i++) {
      const prompt = epoch <= refusedEpoch ? undefined : waiting.shift()
      if (prompt === undefined) {
        sumFor(epoch).unsent++
        wakeUp.in(REPORT_S)
        continue
      }
      const permit: Scheduled = { prompt, epoch, isVoid: false }
      scheduled.push(permit)
      clock.in(lease.firstIn + i / lease.rate, () => {
        if (!permit.isVoid) send(permit, isOpen)
      })
    }
  }

  function send(permit: Scheduled, isOpen: boolean): void {
    const { epoch } = permit
    const sentAt = clock.now
    permit.isVoid = true
    upstream.call((reply) => {
      addReply(sumFor(epoch), reply, permit.prompt, clock.now - sentAt)
      if (reply.kind === 'refused' && epoch > refusedEpoch) {
        refusedEpoch = epoch
        voidScheduled()
      }
      wakeUp.in(reply.kind === 'refused' || !isOpen ? 0 : REPORT_S)
      free++
      again(permit.prompt, reply)
      fill()
    })
  }

  function again(prompt: Prompt, reply: Reply): void {
    if (reply.kind === 'answered') return
    if (reply.kind === 'failed') prompt.hasFailed = true
    const asked = reply.kind === 'refused' ? Math.min(LONGEST_BACKOFF_S, reply.retryAfter) : 0
    backlog.giveBack(prompt, Math.max(asked, BACKOFF_S * (0.5 + random())))
  }

  backlog.onMore(fill)
  clock.in(random() * 0.01, fill)
}

type Sum = { -readonly [Field in keyof PaceReport]: number }

const NOTHING: PaceReport = {
  epoch: 0,
  answered: 0,
  refused: 0,
  otherwise: 0,
  failed: 0,
  fresh: 0,
  unsent: 0,
  retryAfter: -1,
  slowestRefusal: 0,
  hint: 0,
}

function addReply(sum: Sum, reply: Reply, prompt: Prompt, took: number): void {
  switch (reply.kind) {
    case 'answered':
      sum.answered++
      sum.hint = reply.hint
      return
    case 'refused':
      sum.refused++
      sum.retryAfter = Math.max(sum.retryAfter, reply.retryAfter)
      sum.slowestRefusal = Math.max(sum.slowestRefusal, took)
      sum.hint = reply.hint
      return
    case 'failed':
      sum.failed++
      if (!prompt.hasFailed) sum.fresh++
  }
}

/** As src/admission/wake-up.ts: one timer, for whoever asked for the earliest time; none while a round trip is under way. */
function createWakeUp(clock: VirtualClock, wake: () => void) {
  let due = Number.POSITIVE_INFINITY
  let isAwake = false

  function wakeAt(at: number): void {
    if (at >= due) return
    due = at
    if (isAwake) return
    clock.in(at - clock.now, () => {
      if (isAwake || due !== at) return
      due = Number.POSITIVE_INFINITY
      isAwake = true
      wake()
    })
  }

  return {
    in: (seconds: number) => wakeAt(clock.now + seconds),
    done(): void {
      isAwake = false
      const at = due
      due = Number.POSITIVE_INFINITY
      if (at < Number.POSITIVE_INFINITY) wakeAt(Math.max(at, clock.now))
    },
  }
}
