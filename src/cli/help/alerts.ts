import type { Manual } from './manual.js'

export const ALERTS: Manual = {
  description: [
    'Who is told when only a person can help: by webhook, Slack, Discord, PagerDuty, e-mail or a command, as many as ' +
      'you like, for all queues or for one. They are set up in the file of settings (docs/alerts.md); for one webhook ' +
      'CONDUIT_BATCH_ALERT_WEBHOOK will do.',
  ],
  examples: [
    { type: 'conduit-batch alerts test', for: 'do they arrive?' },
    { type: 'conduit-batch alerts list', for: 'how do they fare?' },
  ],
  seeAlso: ['doctor', 'status'],
}

export const ALERTS_LIST: Manual = {
  description: [
    'The channels of every queue, when each last took an alert, and when and why it last failed. What has failed is ' +
      'tried again for about 22 hours.',
  ],
  examples: [
    { type: 'conduit-batch alerts list' },
    { type: "conduit-batch alerts list --json | jq '.channels[] | select(.failuresInRow > 0)'" },
  ],
  seeAlso: ['alerts test', 'doctor'],
}

export const ALERTS_TEST: Manual = {
  description: [
    'Sends a test through every channel now, once and not again, and says of each whether it took it. It says that it ' +
      'is a test; to PagerDuty it is an event of severity info that is resolved at once. No worker is needed.',
    'A channel for all queues gets one test, unless you name a queue.',
  ],
  examples: [
    { type: 'conduit-batch alerts test' },
    { type: 'conduit-batch alerts test --channel slack --queue nightly' },
    { type: 'conduit-batch alerts test --json | jq -e "all(.channels[]; .delivered)"', for: 'for scripts' },
  ],
  exitStatus: [
    { code: 0, means: 'every channel took it' },
    { code: 1, means: 'one did not, there is no channel, usage, or configuration' },
  ],
  seeAlso: ['alerts list', 'doctor'],
}
