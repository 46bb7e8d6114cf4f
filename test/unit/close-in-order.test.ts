import { expect, it } from 'vitest'
import { closeInOrder } from '../../workers/close-in-order.js'

it('takes every step although some fail, and throws the first error', async () => {
  const taken: number[] = []
  const step = (n: number, fails: boolean) => async () => {
    taken.push(n)
    if (fails) throw new Error(`step ${n}`)
  }
  const closing = closeInOrder([
    step(1, false),
    step(2, true),
    () => undefined,
    step(3, true),
    step(4, false),
  ])
  await expect(closing).rejects.toThrow('step 2')
  expect(taken).toEqual([1, 2, 3, 4])
})
