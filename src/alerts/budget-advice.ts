import { inDollars } from '../money.js'
import { resumeBatchCommand } from './brake-advice.js'

/** A budget that a batch has used up, as far as it is told to people. */
export interface BudgetSeen {
  readonly budget: 'requests' | 'cost'
  /** Requests, or cents. */
  readonly limit: number
  /** Null when nobody can tell what its answers cost. */
  readonly used: number | null
}

/** Why the batch stopped, without a full stop. */
export function budgetInWords({ budget, limit, used }: BudgetSeen): string {
  if (budget === 'requests') {
    const requests = `${limit.toLocaleString('en-US')} ${limit === 1 ? 'request' : 'requests'}`
    return `its budget of ${requests} is used up`
  }
  const most = inDollars(limit)
  if (used === null) return `nobody can tell what its answers cost, and it may cost ${most} at most`
  return `its budget of ${most} is used up: its answers cost about ${inDollars(used)}`
}

/** What a person can do about it: sentences, with the exact commands. */
export function budgetAdvice(batch: string, { budget, used }: BudgetSeen): string[] {
  const option = budget === 'requests' ? '--max-requests N' : '--max-cost DOLLARS'
  return [
    ...(budget === 'cost' && used === null
      ? ['Put the prices of its models into the settings ("prices") and start the same command again.']
      : []),
    `May it go on without that budget? Then type: ${resumeBatchCommand(batch)}`,
    `With a larger one, which counts from its beginning: ${resumeBatchCommand(batch)} ${option}`,
    `To give the rest up: conduit-batch cancel ${batch}`,
  ]
}
