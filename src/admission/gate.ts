import type { Redis } from 'ioredis'
import type { QueueKeys } from '../redis/keys.js'
import { runScript } from '../redis/scripts.js'
import { HOLD_REASONS, type Hold, type HoldReason, type Incident, type LiftedBy } from './hold.js'
import { incidentKeys, loadIncidentScript, readIncidents } from './incidents.js'
import { type HoldRequest, type Placed, placeHold } from './place-hold.js'

export type { HoldRequest } from './place-hold.js'

const liftScript = loadIncidentScript(new URL('./lift.lua', import.meta.url))

/** What a gate says, read from Redis. */
export interface GateState {
  readonly holds: readonly Hold[]
  /** After an opening: one call goes first. */
  readonly probing: boolean
  readonly epoch: number
  /** How often the queue went from open to held since it exists; failed probes don't count. */
  readonly pauses: number
  readonly incident: Incident | null
  /** Fingerprints of the keys that were refused since the last success. */
  readonly refusedKeys: readonly string[]
}

/** A queue's gate: the authority on whether calls may go out. BullMQ's own pause only mirrors it. */
export interface Gate {
  /** Places a hold. */
  hold(request: HoldRequest): Promise<Placed>
  /**
   * Lifts the hold of one reason, or every hold with `*`. Gives how many were lifted and how many are left.
   * @param who name of the person, where one did it
   */
  lift(reason: HoldReason | '*', by: LiftedBy, who?: string): Promise<{ lifted: number; left: number }>
  /** Lifts the hold for credits that was placed at `since`; one that was placed after it stays. */
  creditsSeen(since: number): Promise<{ lifted: number; left: number }>
  /** Says that one who had no room has it again: lifts `storage` when nobody else has none. */
  hasRoom(who: string): Promise<{ lifted: number; left: number }>
  /** Whether the queue is held for want of room; with a name, because of that one. */
  lacksRoom(who?: string): Promise<boolean>
  read(): Promise<GateState>
  /** Ended incidents, newest first. */
  pastIncidents(limit: number): Promise<Incident[]>
  /** The open one, then those that have ended, newest first. */
  incidents(limit: number): Promise<Incident[]>
}

/** @param queue name of the queue, told in incidents */
export function createGate(redis: Redis, keys: QueueKeys, queue: string): Gate {
  const names = [keys.gate, ...incidentKeys(keys)]

  async function lift(
    reason: HoldReason | '*',
    by: LiftedBy,
    hasRoom: string,
    who: string,
    since: number | '' = '',
  ) {
    const reply = await runScript(redis, liftScript, names, [reason, by, hasRoom, who, since])
    const [lifted, left] = reply as [number, number]
    return { lifted, left }
  }

  return {
    async hold(request) {
      const placed = await placeHold(redis, keys, queue, request, { kind: 'plain' })
      return typeof placed === 'string' ? placed : 'stale'
    },
    lift: (reason, by, who = '') => lift(reason, by, '', who),
    creditsSeen: (since) => lift('credits', 'credits_seen', '', '', since),
    hasRoom: (who) => lift('storage', 'room', who, ''),
    async lacksRoom(who) {
      return (await redis.hexists(keys.gate, who === undefined ? 'hold:storage' : `storage:${who}`)) === 1
    },
    async read() {
      const [fields, incident] = await Promise.all([redis.hgetall(keys.gate), redis.get(keys.incident)])
      return {
        holds: HOLD_REASONS.flatMap((reason) => {
          const raw = fields[`hold:${reason}`]
          return raw === undefined ? [] : [JSON.parse(raw) as Hold]
        }),
        // While a 402 of one request is looked into, the queue is open for all that people need to know.
        probing: fields.probing === '1' && (fields.suspicion === undefined || incident !== null),
        epoch: Number(fields.epoch ?? 0),
        pauses: Number(fields.pauses ?? 0),
        incident: incident === null ? null : (JSON.parse(incident) as Incident),
        refusedKeys: (fields.refusedKeys ?? '').split(' ').filter((key) => key !== ''),
      }
    },
    async pastIncidents(limit) {
      const raw = await redis.lrange(keys.incidents, 0, limit - 1)
      return raw.map((incident) => JSON.parse(incident) as Incident)
    },
    incidents: (limit) => readIncidents(redis, keys, limit),
  }
}
