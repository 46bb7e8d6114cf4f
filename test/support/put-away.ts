type Step = () => unknown

const afterTest: Step[] = []
const afterFile: Step[] = []

/**
 * What a support module puts away after every test. Test files of one process share their modules, so a hook of
 * vitest's that is set up on import would only serve the first of them.
 */
export function putAwayAfterEach(step: Step): void {
  afterTest.push(step)
}

/** The same after every file: last in, first out, as the modules need one another. */
export function putAwayAfterAll(step: Step): void {
  afterFile.push(step)
}

async function inReverse(steps: readonly Step[]): Promise<void> {
  for (const step of steps.toReversed()) await step()
}

/** All that is to be put away now. */
export const putAway = {
  afterEach: () => inReverse(afterTest),
  afterAll: () => inReverse(afterFile),
}
