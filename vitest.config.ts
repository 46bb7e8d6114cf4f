import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What mostly waits for minutes goes first, beside all the rest; a fresh checkout knows no durations to sort by. */
class ChaosFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isChaos = ({ moduleId }: TestSpecification) => moduleId.includes('/test/chaos/')
    return [...sorted.filter(isChaos), ...sorted.filter((file) => !isChaos(file))]
  }
}

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    // Most tests wait for processes: one more than the cores of a small machine keeps them busy.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    // Test files of one process share their modules: loading them anew for each took as long as many of the tests.
    isolate: false,
    sequence: { sequencer: ChaosFirst },
    setupFiles: ['test/support/setup.ts'],
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['test/integration/**/*.test.ts', 'test/cli/**/*.test.ts', 'test/chaos/**/*.test.ts'],
          globalSetup: ['test/support/global-setup.ts'],
        },
      },
    ],
  },
})
