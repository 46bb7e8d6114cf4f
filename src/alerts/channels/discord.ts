import type { Alert } from '../alert.js'
import { type AlertWords, alertWords } from '../words.js'
import { clipEscaped } from './clip.js'
import type { Post } from './post.js'

// Discord's limits: 256 characters for a title and for the name of a field, 1,024 for its value, 4,096 for a
// description, and 6,000 for all texts of a message together.
const LONGEST_TITLE = 256
const LONGEST_VALUE = 1024
const LONGEST_DESCRIPTION = 1500
const LONGEST_COMMAND = 200

const COLOURS: Readonly<Record<AlertWords['tone'], number>> = {
  trouble: 0xd83c3e,
  warning: 0xe0a030,
  good: 0x2e9e5b,
  test: 0x5865f2,
}

/** A message for a webhook of Discord: markdown is escaped, and nobody is mentioned. */
export function discordPost(alert: Alert, url: string): Post {
  const { title, facts, action, link, command, tone } = alertWords(alert)
  const description = clipEscaped(action, LONGEST_DESCRIPTION, escapeMarkdown)
  const toType = command === null ? '' : `\n\`\`\`\n${clipEscaped(command, LONGEST_COMMAND, noTick)}\n\`\`\``
  const embed = {
    title: clipEscaped(title, LONGEST_TITLE, escapeMarkdown),
    description: `${description}${toType}`,
    ...(link === null ? {} : { url: link }),
    color: COLOURS[tone],
    fields: facts.slice(0, MOST_FACTS).map(({ label, text }) => ({
      name: label,
      value: clipEscaped(text, LONGEST_VALUE, escapeMarkdown) || '–',
    })),
  }
  return { url, body: JSON.stringify({ embeds: [embed], allowed_mentions: { parse: [] } }) }
}

/** With the longest values these are still below the 6,000 of a message. */
const MOST_FACTS = 4

function escapeMarkdown(character: string): string {
  return /[\\*_~`|>#[\]()<@-]/.test(character) ? `\\${character}` : character
}

function noTick(character: string): string {
  return character === '`' ? "'" : character
}
