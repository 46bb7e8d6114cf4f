/** What a process may do for a queue: make the calls, feed and collect batches, deliver alerts. */
export const ROLES = ['completion', 'batch', 'alert'] as const

export type Role = (typeof ROLES)[number]
