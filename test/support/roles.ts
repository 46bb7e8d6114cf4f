import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDataDirectory } from '../../src/batches/data-directory.js'
import type { Session } from '../../src/batches/session.js'
import { createKeyHolder } from '../../src/completions/key-holder.js'
import { type Roles, startRoles } from '../../workers/roles.js'
import { leaseOn, silent } from './batches.js'
import { raisePace } from './pace.js'
import { putAwayAfterAll, putAwayAfterEach } from './put-away.js'

/** What a test does with them. */
type TestRoles = Pick<Roles, 'close'>

const running = new Set<TestRoles>()
const directories = new Set<string>()

/** A directory that is removed when the file is done. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'cb-')))
  directories.add(directory)
  return directory
}

/** All roles of a queue in this process; closed when the test is done. Ready to call at full speed. */
export async function startTestRoles(
  session: Session,
  {
    baseUrl,
    billingUrl = null,
    dataDirectory,
  }: { readonly baseUrl: string; readonly billingUrl?: string | null; readonly dataDirectory?: string },
): Promise<TestRoles> {
  await raisePace(session)
  const directory = await openDataDirectory(dataDirectory ?? (await temporaryDirectory()))
  const keyHolder = await createKeyHolder({ apiKey: 'sk-simulator', apiKeyFile: null })
  const roles = await startRoles({
    session,
    completion: {
      keyHolder,
      baseUrl,
      billingUrl,
      balancePollMs: 1000,
      autoResume: true,
      requestsPerMinute: null,
      concurrency: { wanted: 20, ceiling: null },
    },
    batch: { directory, lease: leaseOn(session, directory) },
    alert: null,
    log: silent,
    onTrouble: () => undefined,
  })
  const own: TestRoles = {
    async close(deadlineMs) {
      if (running.delete(own)) await roles.close(deadlineMs)
    },
  }
  running.add(own)
  return own
}

putAwayAfterEach(async () => {
  await Promise.all([...running].map((roles) => roles.close(0)))
  running.clear()
})

putAwayAfterAll(async () => {
  for (const directory of directories) await rm(directory, { recursive: true, force: true })
  directories.clear()
})
