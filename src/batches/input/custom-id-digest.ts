/** Words of a record: three of the id's digest, and the line (1-based). */
export const ID_WORDS = 4
export const LINE_WORD = 3

/**
 * Writes 96 bits of a digest of a custom_id into three words at `at`: MurmurHash3 (x86, 128 bits) of its UTF-16 units,
 * filled up with zeros. Computed here, since a call into node's crypto takes four times as long for a text this short.
 * It tells ids apart and guards no secret: two different ids are taken for one with a probability of n²/2⁹⁷, 6 in
 * 10¹⁸ for a million ids and 6 in 10¹⁴ for a hundred million.
 */
export function digestCustomId(id: string, words: Uint32Array, at: number): void {
  let h1 = SEED
  let h2 = SEED
  let h3 = SEED
  let h4 = SEED
  for (let i = 0; i < id.length; i += 8) {
    h1 = step(h1, h2, Math.imul(rotated(Math.imul(pair(id, i), C1), 15), C2), 19, 0x561ccd1b)
    h2 = step(h2, h3, Math.imul(rotated(Math.imul(pair(id, i + 2), C2), 16), C3), 17, 0x0bcaa747)
    h3 = step(h3, h4, Math.imul(rotated(Math.imul(pair(id, i + 4), C3), 17), C4), 15, 0x96cd1c35)
    h4 = step(h4, h1, Math.imul(rotated(Math.imul(pair(id, i + 6), C4), 18), C1), 13, 0x32ac3b17)
  }
  h2 ^= id.length
  h3 ^= id.length
  h4 ^= id.length
  h1 = ((h1 ^ id.length) + h2 + h3 + h4) | 0
  h2 = mixed(h2 + h1)
  h3 = mixed(h3 + h1)
  h4 = mixed(h4 + h1)
  h1 = (mixed(h1) + h2 + h3 + h4) | 0
  words[at] = h1
  words[at + 1] = h2 + h1
  words[at + 2] = h3 + h1
}

const SEED = 0x9747b28c | 0
const C1 = 0x239b961b
const C2 = 0xab0e9789
const C3 = 0x38b34ae5
const C4 = 0xa1e38b93

/** Two UTF-16 units as a word; nothing stands behind the end. */
function pair(id: string, at: number): number {
  const low = at < id.length ? id.charCodeAt(at) : 0
  return at + 1 < id.length ? low | (id.charCodeAt(at + 1) << 16) : low
}

function rotated(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by))
}

function step(own: number, next: number, key: number, by: number, plus: number): number {
  return (Math.imul(rotated(own ^ key, by) + next, 5) + plus) | 0
}

/** Every bit of the word comes to depend on every other. */
function mixed(word: number): number {
  const half = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  const whole = Math.imul(half ^ (half >>> 13), 0xc2b2ae35)
  return whole ^ (whole >>> 16)
}
