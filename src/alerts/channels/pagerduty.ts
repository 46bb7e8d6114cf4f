import type { Alert } from '../alert.js'
import { type AlertWords, alertWords } from '../words.js'
import { clip } from './clip.js'
import type { Post } from './post.js'

const LONGEST_SUMMARY = 1024

type Action = 'trigger' | 'resolve'

const SEVERITIES: Readonly<Record<AlertWords['tone'], string>> = {
  trouble: 'critical',
  warning: 'warning',
  good: 'info',
  test: 'info',
}

/**
 * Events for PagerDuty's Events API v2, one after the other. All of an incident have one dedup key, so the all-clear ends
 * what the alert began, and a reminder joins it; a test ends itself.
 */
export function pagerDutyPosts(
  alert: Alert,
  { url, routingKey }: { readonly url: string; readonly routingKey: string },
): Post[] {
  return actionsFor(alert).map((action) => ({ url, body: JSON.stringify(event(alert, action, routingKey)) }))
}

function actionsFor(alert: Alert): Action[] {
  switch (alert.type) {
    case 'incident.resolved':
      return ['resolve']
    case 'alert.test':
      return ['trigger', 'resolve']
    default:
      return ['trigger']
  }
}

function event(alert: Alert, action: Action, routingKey: string): object {
  const key = { routing_key: routingKey, event_action: action, dedup_key: dedupKey(alert) }
  if (action === 'resolve') return key
  const words = alertWords(alert)
  const details = Object.fromEntries(words.facts.map(({ label, text }) => [label, text]))
  return {
    ...key,
    client: 'conduit-batch',
    payload: {
      summary: clip(words.title, LONGEST_SUMMARY),
      source: `conduit-batch queue ${alert.queue}`,
      severity: SEVERITIES[words.tone],
      timestamp: alert.since,
      component: alert.queue,
      class: alert.type,
      custom_details: {
        ...details,
        'What to do': words.action,
        ...(words.command === null ? {} : { 'Line to type': words.command }),
      },
    },
    links: words.link === null ? [] : [{ href: words.link, text: words.link }],
  }
}

function dedupKey(alert: Alert): string {
  return 'incident' in alert ? alert.incident : alert.id
}
