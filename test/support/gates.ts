import type { Redis } from 'ioredis'
import { createGate, type Gate, type HoldRequest } from '../../src/admission/gate.js'
import { askForLease, type Lease } from '../../src/admission/lease.js'
import type { LeaseReport } from '../../src/admission/reports.js'
import { type QueueKeys, queueKeys } from '../../src/redis/keys.js'
import { uniquePrefix } from './redis.js'

/** A gate that no other test has, with the pace behind it. */
export interface TestGate {
  readonly redis: Redis
  readonly keys: QueueKeys
  readonly gate: Gate
  /** Asks the lease script, with limits that a test can wait for. */
  ask(want: number, report?: Partial<LeaseReport>, limits?: Partial<TestLimits>, on?: Redis): Promise<Lease>
  /** The alerts that wait to be enqueued, by their id. */
  outbox(): Promise<Record<string, { type: string; incident: Record<string, unknown> }>>
}

interface TestLimits {
  readonly probeTimeoutMs: number
  readonly maxRatePerSecond: number
  readonly autoResume: boolean
}

export function testGate(redis: Redis): TestGate {
  const keys = queueKeys(uniquePrefix(), 'default')
  // Something waits for the end of its incidents. Commands of one connection keep their order.
  void redis.sadd(keys.activeBatches, 'b1')
  return {
    redis,
    keys,
    gate: createGate(redis, keys, 'default'),
    ask: (want, report, limits, on = redis) =>
      askForLease(on, keys, want, report === undefined ? null : aReport(report), {
        probeTimeoutMs: 60_000,
        maxRatePerSecond: 1000,
        horizonMs: 50,
        autoResume: true,
        ...limits,
      }),
    async outbox() {
      const entries = Object.entries(await redis.hgetall(keys.outbox))
      return Object.fromEntries(entries.map(([id, raw]) => [id, JSON.parse(raw)]))
    },
  }
}

/** Nothing came of any call, of the first epochs. */
export function aReport(over: Partial<LeaseReport>): LeaseReport {
  return {
    gateEpoch: 0,
    paceEpoch: 0,
    answered: 0,
    refused: 0,
    otherwise: 0,
    failed: 0,
    fresh: 0,
    unsent: 0,
    retryAfterMs: null,
    slowestRefusalMs: 0,
    limitPerMinute: 0,
    ...over,
  }
}

/** What a 402 says, of a call that was sent in the first epoch. */
export function holdRequest(over: Partial<HoldRequest> = {}): HoldRequest {
  return {
    reason: 'credits',
    by: 'worker-1',
    code: 'BILLING_INSUFFICIENT_FUNDS',
    message: 'Insufficient funds',
    requestId: 'req_abc123',
    keyFingerprint: '0123456789ab',
    epoch: 0,
    retryAfterMs: 0,
    ...over,
  }
}

export function personHold(): HoldRequest {
  return holdRequest({
    reason: 'person',
    by: 'alice',
    code: 'paused',
    message: 'maintenance',
    requestId: null,
    keyFingerprint: null,
    epoch: null,
  })
}
