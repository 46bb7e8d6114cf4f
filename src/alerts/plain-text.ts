import type { AlertWords } from './words.js'

/** An alert as lines of plain text, without its title: for mail and for commands. */
export function plainText({ facts, action, link, command }: AlertWords): string {
  const width = Math.max(...facts.map(({ label }) => label.length)) + 2
  return [
    ...facts.map(({ label, text }) => `${`${label}:`.padEnd(width)}${text}`),
    '',
    action,
    ...(command === null ? [] : ['', `    ${command}`]),
    ...(link === null ? [] : ['', link]),
    '',
  ].join('\n')
}
