import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { env, execPath } from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A real process that joins and leaves the private server of a data directory. */
export interface EmbeddedClient {
  readonly pid: number
  join(): Promise<{ started: boolean; socketPath: string }>
  leave(): Promise<void>
  /** Joins, increments the key `churned`, and leaves, so many times. */
  churn(rounds: number): Promise<void>
  /** SIGKILL, without leaving. */
  kill(): Promise<void>
  /** Sends a signal to its process group, as a terminal does on Ctrl-C. */
  interrupt(): Promise<void>
}

const running = new Set<ChildProcess>()

/** Starts one and waits until it takes commands, so that several can be told to join at the same instant. */
export async function startEmbeddedClient(dataDir: string): Promise<EmbeddedClient> {
  const script = fileURLToPath(new URL('embedded-client.mjs', import.meta.url))
  const child = spawn(execPath, [script, dataDir], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...env, CONDUIT_API_KEY: 'sk-must-stay-here' },
    // Its own process group, so that a signal to the group doesn't hit the test.
    detached: true,
  })
  running.add(child)
  const replies = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const send = async (command: string): Promise<unknown> => {
    child.stdin.write(`${command}\n`)
    const { done, value } = await replies.next()
    if (done === true) throw new Error(`the client ended before it answered ${command}`)
    return JSON.parse(value)
  }
  const signal = async (pid: number, name: NodeJS.Signals): Promise<void> => {
    const exited = once(child, 'exit')
    process.kill(pid, name)
    await exited
  }
  const pid = child.pid ?? 0
  await send('ready')
  return {
    pid,
    join: async () => (await send('join')) as { started: boolean; socketPath: string },
    leave: async () => void (await send('leave')),
    churn: async (rounds) => void (await send(`churn ${rounds}`)),
    kill: () => signal(pid, 'SIGKILL'),
    interrupt: () => signal(-pid, 'SIGINT'),
  }
}

/** Kills those that a test left behind. */
export function killEmbeddedClients(): void {
  for (const child of running) child.kill('SIGKILL')
  running.clear()
}
