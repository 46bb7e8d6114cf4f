import { type FaultName, isFaultName } from './fault-names.js'
import type { FaultRule } from './options.js'
import type { PromptRecord } from './prompt-records.js'
import { fractionOf } from './random.js'

/** A fault that is due now. */
export interface DueFault {
  readonly name: FaultName
  readonly retryAfterSeconds?: number
}

export interface FaultPlan {
  /** The fault that this call gets, if any: a directive in the prompt goes before the rules. */
  pick(prompt: PromptRecord, text: string, nowMs: number): DueFault | null
}

/**
 * Which calls go wrong. Chance depends on the seed, the prompt and how often it came this far, not on the order
 * in which prompts arrive, so that a run with any concurrency meets the same faults.
 */
export function createFaultPlan(rules: readonly FaultRule[], seed: number, setAtMs: number): FaultPlan {
  const active = rules.map((rule) => ({ rule, given: 0 }))

  const byRule = (prompt: PromptRecord, nowMs: number): DueFault | null => {
    prompt.draws += 1
    for (const [index, entry] of active.entries()) {
      const { rule } = entry
      if (!isRunning(rule, entry.given, nowMs - setAtMs)) continue
      if (chance(seed, prompt, index) >= rule.probability) continue
      entry.given += 1
      const { retryAfterSeconds } = rule
      return { name: rule.fault, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) }
    }
    return null
  }

  return {
    pick(prompt, text, nowMs) {
      const directed = byDirective(prompt, text)
      if (directed !== null) return { name: directed }
      return active.length === 0 ? null : byRule(prompt, nowMs)
    },
  }
}

/**
 * `[[NAME]]` in a prompt: always this fault. `[[NAME x2]]`: the first 2 times that this very prompt comes this far;
 * several such directives are used up one after the other. A name that is no fault is ordinary text.
 */
function byDirective(prompt: PromptRecord, text: string): FaultName | null {
  if (!text.includes('[[')) return null
  let usedBefore = prompt.directed
  for (const [, name, times] of text.matchAll(/\[\[([A-Z][A-Z0-9_]*)(?: x(\d+))?\]\]/g)) {
    if (!isFaultName(name)) continue
    const limit = times === undefined ? Number.POSITIVE_INFINITY : Number(times)
    if (usedBefore < limit) {
      prompt.directed += 1
      return name
    }
    usedBefore -= limit
  }
  return null
}

function isRunning(rule: FaultRule, given: number, ageMs: number): boolean {
  const startMs = rule.afterMs ?? 0
  const endMs = startMs + (rule.forMs ?? Number.POSITIVE_INFINITY)
  return ageMs >= startMs && ageMs < endMs && given < (rule.count ?? Number.POSITIVE_INFINITY)
}

function chance(seed: number, prompt: PromptRecord, index: number): number {
  const first32Bits = Number.parseInt(prompt.key.slice(0, 8), 16)
  const state = first32Bits ^ Math.imul(seed, 0x9e3779b1) ^ Math.imul(prompt.draws, 0x85ebca6b)
  return fractionOf(state ^ Math.imul(index + 1, 0xc2b2ae35))
}
