import pino, { type Logger } from 'pino'
import { createLogThrottle } from './log-throttle.js'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

/**
 * The log: pino events on stderr, so that stdout is for data. The message of each is its stable event name
 * (`batch.completed`), the rest stands in fields. Never a prompt, an answer or a key.
 */
export function createLog(level: LogLevel): Logger {
  const destination = pino.destination(2)
  // Whoever read the log is gone: that must not end the work.
  destination.on('error', () => {})
  const mayLog = createLogThrottle()
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: {
        logMethod(args, method) {
          if (mayLog(args[0], args[1])) method.apply(this, args)
        },
      },
      // ioredis attaches the command, and with it prompts and answers, to its errors.
      redact: { paths: ['err.command', 'err.previousErrors'], remove: true },
    },
    destination,
  )
}
