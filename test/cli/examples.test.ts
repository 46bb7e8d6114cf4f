import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createWorkplace, settingsFor, simulate, type Workplace } from '../support/cli.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Runs an example as its first lines say: beside workers, in the directory where somebody works. */
async function runExample(name: string, args: readonly string[], { directory, settings }: Workplace) {
  const child = spawn(execPath, [`${ROOT}examples/${name}`, ...args], {
    cwd: directory,
    env: { ...settings },
  })
  const written = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    written.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    written.stderr += text
  })
  const [code] = await once(child, 'close')
  return { code, ...written }
}

describe('the examples, beside conduit-batch work', () => {
  it('give what they promise; run again they make no call', async () => {
    const simulator = await simulate()
    const workplace = await createWorkplace(settingsFor(simulator))
    const workers = workplace.start(['work'])

    const question = ['say one', 'my-id']
    const first = await runExample('enqueue.mjs', question, workplace)
    expect(first, first.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('say one') })
    expect(await runExample('enqueue.mjs', question, workplace)).toMatchObject({ stdout: first.stdout })

    const batch = await runExample('submit-batch.mjs', [], workplace)
    expect(batch, batch.stderr).toMatchObject({ code: 0 })
    expect(batch.stdout.trimEnd().split('\n')).toHaveLength(5)
    expect(batch.stdout).toMatch(/^Peru: .*capital of Peru/m)
    expect(batch.stderr).toContain('completed: 5 answered, 0 failed')
    const again = await runExample('submit-batch.mjs', [], workplace)
    expect(again.stdout).toBe(batch.stdout)

    expect(simulator.stats().calls).toBe(6)
    await workers.kill()
  })
})

describe('the library', () => {
  it('loads without the command line, the HTTP client and the server', () => {
    const script = `import('conduit-batch').then(() => {
      const loaded = Object.keys(require.cache).map((path) => path.split('/node_modules/').at(-1).split('/')[0])
      process.stdout.write(JSON.stringify([...new Set(loaded)]))
    })`
    const { stdout, stderr } = spawnSync(execPath, ['-e', script], { cwd: ROOT, encoding: 'utf8' })
    expect(stderr).toBe('')
    const loaded = JSON.parse(stdout) as string[]
    // So that the absence of others means something.
    expect(loaded).toContain('ioredis')
    for (const heavy of ['undici', 'fastify', 'commander', 'pino']) expect(loaded).not.toContain(heavy)
  })
})
