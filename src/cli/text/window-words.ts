import { formatEstimate } from './format.js'

/** How long a completion window lasts: `3 h 20 min left`, or that it is over. Unix ms. */
export function windowWords(expiresAt: number, nowMs: number): string {
  return expiresAt > nowMs ? `${formatEstimate(expiresAt - nowMs)} left` : 'which is over'
}
