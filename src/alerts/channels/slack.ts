import type { Alert } from '../alert.js'
import { type AlertWords, alertWords } from '../words.js'
import { clip, clipEscaped } from './clip.js'
import type { Post } from './post.js'

// Slack's limits: a header has 150 characters, the text of a section 3,000.
const LONGEST_HEADER = 150
const LONGEST_SECTION = 3000

/** A message for an incoming webhook of Slack: what comes from outside is plain text, so it can mention nobody. */
export function slackPost(alert: Alert, url: string): Post {
  const words = alertWords(alert)
  const { title, action, facts } = words
  const told = [...facts.map(({ label, text }) => `${label}: ${text}`), action].join('\n')
  const body = {
    // Shown in notifications. Escaped: here Slack reads markup.
    text: clipEscaped(title, LONGEST_HEADER, escapeSlack),
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: clip(title, LONGEST_HEADER), emoji: false } },
      { type: 'section', text: { type: 'plain_text', text: clip(told, LONGEST_SECTION), emoji: false } },
      ...whatToDo(words).map((text) => ({ type: 'section', text: { type: 'mrkdwn', text } })),
    ],
  }
  return { url, body: JSON.stringify(body) }
}

/** Our own words, so they may have markup. */
function whatToDo({ link, command }: AlertWords): string[] {
  return [
    ...(command === null ? [] : [`\`\`\`${clipEscaped(command, LONGEST_SECTION - 6, escapeSlack)}\`\`\``]),
    ...(link === null ? [] : [`<${clipEscaped(link, LONGEST_SECTION - 2, escapeSlack)}>`]),
  ]
}

/** The three characters that are markup for Slack (https://docs.slack.dev/messaging/formatting-message-text). */
function escapeSlack(character: string): string {
  switch (character) {
    case '&':
      return '&amp;'
    case '<':
      return '&lt;'
    case '>':
      return '&gt;'
    default:
      return character
  }
}
