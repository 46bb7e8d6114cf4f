import { spawn } from 'node:child_process'
import type { Alert } from '../alert.js'
import { plainText } from '../plain-text.js'
import type { CommandSettings } from '../settings.js'
import { alertWords } from '../words.js'
import { ChannelFailed, errorName } from './failed.js'

const TIMEOUT_MS = 10_000

/** How a program is told of an alert. */
export interface Told {
  /** On stdin, as JSON. */
  readonly input: string
  readonly environment: Readonly<Record<string, string>>
}

/** The alert as JSON, and in words for those who don't read JSON. */
export function toldTo(alert: Alert): Told {
  const words = alertWords(alert)
  return {
    input: `${JSON.stringify(alert)}\n`,
    environment: {
      CONDUIT_BATCH_ALERT_ID: alert.id,
      CONDUIT_BATCH_ALERT_TYPE: alert.type,
      CONDUIT_BATCH_ALERT_QUEUE: alert.queue,
      CONDUIT_BATCH_ALERT_TITLE: words.title,
      CONDUIT_BATCH_ALERT_TEXT: plainText(words),
      CONDUIT_BATCH_ALERT_ACTION: words.action,
      CONDUIT_BATCH_ALERT_LINK: words.link ?? '',
      CONDUIT_BATCH_ALERT_COMMAND: words.command ?? '',
    },
  }
}

/**
 * Runs a program without a shell; the alert is told when it ends with 0. After 10 s it is killed, with all that it
 * started. What it prints goes nowhere: it may hold anything.
 * @throws ChannelFailed
 */
export function runCommand(
  told: Told,
  { command: [program = '', ...args], directory, environment }: Omit<CommandSettings, 'type'>,
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: directory,
      env: { ...environment, ...told.environment },
      stdio: ['pipe', 'ignore', 'ignore'],
      // A group of its own, so that what it started can be killed with it.
      detached: true,
    })
    let late = false
    const timer = setTimeout(() => {
      late = true
      killGroup(child.pid)
    }, timeoutMs)
    const end = (why: string | null) => {
      clearTimeout(timer)
      if (why === null) resolve()
      else reject(new ChannelFailed(why))
    }
    child.on('error', (error) => end(`the command can't be run (${errorName(error)})`))
    child.on('exit', (code, signal) => {
      if (late) end(`the command took over ${timeoutMs / 1000} s`)
      else if (code === 0) end(null)
      else end(code === null ? `the command was ended by ${signal}` : `the command ended with ${code}`)
    })
    // A program that does not read what it is told is right to do so.
    child.stdin.on('error', () => undefined)
    child.stdin.end(told.input)
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // It has just ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
