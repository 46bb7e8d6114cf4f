import type { Evidence } from './evidence.js'
import { promptOf } from './input.js'

/** What must be true of a batch that is over; gives each violation in words. */
export function violationsOf(
  evidence: Evidence,
  most: { readonly repeats: number; readonly alertRepeats: number },
) {
  return [
    ...filesOf(evidence),
    ...countsOf(evidence),
    ...repeatsOf(evidence, most.repeats),
    ...alertsOf(evidence, most.alertRepeats),
    ...leftoversOf(evidence),
  ]
}

interface Line {
  readonly custom_id: string
  readonly response: {
    readonly body: { readonly choices?: readonly { message: { content: string } }[] }
  } | null
}

/** Each request in exactly one of the two files, exactly once, with the answer to its own prompt. */
function filesOf({ good, bad, results, errors }: Evidence): string[] {
  const found: string[] = []
  const answered = linesOf(results, 'results', found)
  const failed = linesOf(errors, 'errors', found)
  found.push(...missing(good, answered, 'lost (no answer)'), ...missing(bad, failed, 'lost (no error)'))
  const seen = new Set<string>()
  for (const { custom_id } of [...answered, ...failed]) {
    if (seen.has(custom_id)) found.push(`doubled: ${custom_id}`)
    seen.add(custom_id)
  }
  for (const { custom_id } of answered)
    if (!good.has(custom_id)) found.push(`answered, though it can't be: ${custom_id}`)
  for (const { custom_id } of failed)
    if (!bad.has(custom_id)) found.push(`failed, though it need not: ${custom_id}`)
  for (const { custom_id, response } of answered) {
    const content = response?.body.choices?.[0]?.message.content ?? ''
    if (!content.endsWith(` to: ${promptOf(custom_id)}`)) found.push(`answer to another prompt: ${custom_id}`)
  }
  return found
}

function linesOf(text: string | null, name: string, found: string[]): Line[] {
  if (text === null) {
    found.push(`there is no ${name} file`)
    return []
  }
  if (!/(^|\n)$/.test(text)) found.push(`the ${name} file ends in the middle of a line`)
  return text.split('\n').flatMap((line) => {
    if (line === '') return []
    try {
      return [JSON.parse(line) as Line]
    } catch {
      found.push(`a torn line in the ${name} file: ${line.slice(0, 60)}`)
      return []
    }
  })
}

function missing(asked: ReadonlySet<string>, lines: readonly Line[], what: string): string[] {
  const known = new Set(lines.map(({ custom_id }) => custom_id))
  return [...asked].filter((id) => !known.has(id)).map((id) => `${what}: ${id}`)
}

/** Redis, `status` and the simulator tell of as many as there are. */
function countsOf({ good, bad, batch, status, stats }: Evidence): string[] {
  const wanted = { completed: good.size, failed: bad.size, total: good.size + bad.size, state: 'completed' }
  const wrong = (where: string, told: Readonly<Record<string, unknown>>) =>
    Object.entries(wanted)
      .filter(([name, value]) => String(told[name]) !== String(value))
      .map(([name, value]) => `${where} says ${name} ${String(told[name])}, not ${value}`)
  const calls =
    stats.promptsCompleted === good.size
      ? []
      : [`${stats.promptsCompleted} of ${good.size} prompts were paid for`]
  const fed = [batch.fed, batch.collected].filter((count) => count !== String(wanted.total))
  return [
    ...wrong('Redis', batch),
    ...wrong('status', status),
    ...calls,
    ...(fed.length === 0 ? [] : [`fed ${batch.fed}, collected ${batch.collected} of ${wanted.total}`]),
  ]
}

function repeatsOf({ stats }: Evidence, most: number): string[] {
  const { repeatedCompletions } = stats
  return repeatedCompletions <= most
    ? []
    : [`${repeatedCompletions} calls were paid twice, at most ${most} may be`]
}

/** No hold is left, and of each incident somebody heard twice: when it began, and when it was over. */
function alertsOf(
  { holds, openIncident, incidents, outbox, alerts }: Evidence,
  mostRepeats: number,
): string[] {
  const found = holds.map((reason) => `a hold is left: ${reason}`)
  if (openIncident !== null) found.push(`an incident is still open: ${openIncident}`)
  if (outbox > 0) found.push(`${outbox} alerts were never sent`)
  const told = (incident: string, type: string) =>
    alerts.filter((alert) => alert.incident === incident && alert.type === type).length
  let repeated = 0
  for (const incident of incidents) {
    for (const type of ['incident.opened', 'incident.resolved']) {
      const times = told(incident, type)
      if (times === 0) found.push(`${type} was not told: ${incident}`)
      repeated += Math.max(0, times - 1)
    }
  }
  if (repeated > mostRepeats) found.push(`${repeated} alerts were told twice, at most ${mostRepeats} may be`)
  const unknown = alerts.filter(({ incident }) => !incidents.includes(incident) && incident !== openIncident)
  return [
    ...found,
    ...unknown.map(({ type, incident }) => `${type} of an incident that is not known: ${incident}`),
  ]
}

function leftoversOf({ names, jobs }: Evidence): string[] {
  const drafts = names.filter((name) => /partial|tmp/.test(name))
  return [
    ...drafts.map((name) => `left in the directory: ${name}`),
    ...jobs.map((key) => `left in Redis: ${key}`),
  ]
}
