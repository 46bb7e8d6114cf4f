import { expect, it } from 'vitest'
import { createKeyHolder, type KeySource } from '../../src/completions/key-holder.js'

const SECOND = 1000
const key = (apiKey: string | null): KeySource => ({ apiKey, apiKeyFile: null })

it('a key comes from where it is now: asked once a minute while somebody looks for another, and whenever it is told to', async () => {
  let [clockMs, source, asked] = [0, key('sk-one') as KeySource | null, 0]
  const sourceNow = () => {
    asked++
    return source
  }
  const holder = await createKeyHolder(key('sk-one'), sourceNow, () => clockMs)
  source = key('sk-two')
  for (; clockMs < 59 * SECOND; clockMs += SECOND) expect(await holder.reload()).toBe(false)
  expect(asked).toBe(0)
  clockMs += 2 * SECOND
  expect(await holder.reload()).toBe(true)
  expect([holder.current().secret, asked]).toEqual(['sk-two', 1])

  source = key('sk-three')
  expect(await holder.readAgain()).toBe(true)
  expect(await holder.readAgain()).toBe(false)

  // Settings that are wrong just now, and a variable that is not set: the key stays as it is.
  source = null
  expect(await holder.readAgain()).toBe(false)
  source = key(null)
  expect(await holder.readAgain()).toBe(false)
  expect(holder.current().secret).toBe('sk-three')
})
