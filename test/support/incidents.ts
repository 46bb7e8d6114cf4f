import type { Redis } from 'ioredis'
import type { Incident } from '../../src/admission/hold.js'
import type { QueueKeys } from '../../src/redis/keys.js'

/** Lets the open incident be so much older, as if the time had passed. */
export async function ageIncident(redis: Redis, keys: QueueKeys, byMs: number): Promise<void> {
  const incident = JSON.parse((await redis.get(keys.incident)) ?? 'null') as Incident
  const { openedAt, remindersFrom, remindedAt } = incident
  const older = {
    ...incident,
    openedAt: openedAt - byMs,
    remindersFrom: remindersFrom - byMs,
    remindedAt: remindedAt === null ? null : remindedAt - byMs,
  }
  await redis.set(keys.incident, JSON.stringify(older))
}
