/**
 * Takes every step, one after the other: what one of them meets keeps none of the others from being taken.
 * @throws the first error, at the end
 */
export async function closeInOrder(steps: readonly (() => Promise<unknown> | undefined)[]): Promise<void> {
  const errors: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}
