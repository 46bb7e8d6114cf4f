const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/gu
const LONE_SURROGATE = /\p{Cs}/gu
const ESCAPE_SEQUENCE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]P^_X][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const STYLE_SEQUENCE = /(\u001b\[[\d;]*m)/

/** Without what would move the cursor, ring, or disguise what is said (escape, control, direction characters). */
function harmless(text: string): string {
  return text.replace(ESCAPE_SEQUENCE, ' ').replace(UNSEEN, ' ').replace(LONE_SURROGATE, '\ufffd')
}

/** Text from outside (messages, codes, names) as one harmless line with single spaces. */
export function oneLine(text: string): string {
  return harmless(text).replace(/\s+/g, ' ').trim()
}

/** Lines of our own making that may quote text from outside: colours and line breaks stay, the rest is harmless. */
export function harmlessLines(text: string): string[] {
  return text.split('\n').map((line) =>
    line
      .split(STYLE_SEQUENCE)
      .map((part, index) => (index % 2 === 1 ? part : harmless(part)))
      .join(''),
  )
}
