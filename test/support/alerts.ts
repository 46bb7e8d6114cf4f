import type { Alert } from '../../src/alerts/alert.js'

type Incident = Extract<Alert, { readonly incident: string }>

/** An incident that has just opened, but for what is said of it. */
export function incidentAlert(over: Partial<Incident> = {}): Incident {
  return {
    type: 'incident.opened',
    id: 'i1-opened',
    incident: 'i1',
    queue: 'default',
    since: '2026-11-23T01:40:02.120Z',
    action: 'Top up at https://conduit.im (billing dashboard).',
    reason: 'credits',
    reasons: ['credits'],
    code: 'BILLING_INSUFFICIENT_FUNDS',
    message: 'Insufficient funds',
    requestId: 'req_abc123',
    waiting: 41_209,
    costToFinishCents: 1240,
    link: 'https://conduit.im',
    command: 'conduit-batch resume',
    resolvedAt: null,
    durationMs: null,
    endedBy: null,
    ...over,
  }
}

/** The end of that incident. */
export function resolvedAlert(over: Partial<Incident> = {}): Incident {
  return incidentAlert({
    type: 'incident.resolved',
    id: 'i1-resolved',
    action: 'Nothing: work goes on.',
    resolvedAt: '2026-11-23T02:44:03.000Z',
    durationMs: 3_840_880,
    endedBy: 'credits_seen',
    waiting: 41_000,
    link: null,
    command: null,
    ...over,
  })
}

export const BRAKED: Alert = {
  type: 'batch.braked',
  id: 'b1-braked-1',
  queue: 'default',
  batch: 'b1',
  reason: 'brake',
  code: 'MODEL_NOT_FOUND',
  message: 'Batch b1 was stopped: 20 of its last 20 requests failed',
  since: '2026-11-23T01:40:02.120Z',
  waiting: 1,
  action: 'Nothing is lost.',
}

export const LOW: Alert = {
  type: 'balance.low',
  id: 'low-1',
  queue: 'default',
  reason: 'credits',
  message: 'The credits will not last',
  since: '2026-11-23T01:40:02.120Z',
  balanceCents: 310,
  costToFinishCents: 1550,
  shortByCents: 1240,
  lastsMs: 38 * 60_000,
  waiting: 41_209,
  link: 'https://conduit.im',
  action: 'Top up at https://conduit.im (billing dashboard) while it runs.',
}

export const OVER_BUDGET: Alert = {
  type: 'batch.over_budget',
  id: 'b1-over-budget-1',
  queue: 'default',
  batch: 'b1',
  reason: 'budget',
  budget: 'cost',
  limit: 500,
  used: 499,
  message: 'Batch b1 was stopped: its budget of $5.00 is used up',
  since: '2026-11-23T01:40:02.120Z',
  waiting: 12,
  action: 'Nothing is lost.',
}

export const TEST: Alert = {
  type: 'alert.test',
  id: 'test-1',
  queue: 'default',
  message: 'Somebody typed conduit-batch alerts test.',
  since: '2026-11-23T01:40:02.120Z',
  action: 'Nothing: it works.',
}

/** What an evil or broken upstream may say: markup of every kind, mentions, line breaks, and far too much of it. */
export const HOSTILE =
  '<!channel> @everyone <@U1> **bold** `tick` ``` [link](https://evil.test) & "x"\r\nBcc: x@evil.test\u0000\u202e'.repeat(
    100,
  )
