import { z } from 'zod'
import { ProducerOptionInvalid } from './errors.js'

const SEVEN_DAYS_MS = 7 * 24 * 3600_000
const MOST_KEEP_MS = 10 * 365 * 24 * 3600_000

/** How long answers are kept: at least a second, at most ten years. */
export const keepAnswersSchema = z.int().min(1000).max(MOST_KEEP_MS)

const optionsSchema = z.strictObject({
  /** `redis://` or `rediss://`, or a Unix socket. Without it: the private server of the data directory. */
  redis: z.union([z.string(), z.strictObject({ socketPath: z.string().min(1) })]).optional(),
  queue: z.string().default('default'),
  /** First part of every key in Redis. */
  keyPrefix: z.string().default('cb'),
  /** Where batches and their answers are, and the private server. */
  dataDirectory: z.string().min(1).default('./.conduit-batch'),
  /** PATH, where a private server's binary is looked for; without it where packages usually put it. */
  searchPath: z.string().optional(),
  /** How long the answers to single requests are kept, in milliseconds. */
  keepAnswersMs: keepAnswersSchema.default(SEVEN_DAYS_MS),
  /** Told of a lost connection, and of what Redis's settings may cost, in a sentence. */
  onWarning: z.custom<(text: string) => void>((value) => typeof value === 'function').optional(),
})

/** What `createProducer` takes. */
export type ProducerOptions = z.input<typeof optionsSchema>

/** The same with the defaults filled in. */
export type ProducerSettings = z.output<typeof optionsSchema>

/** @throws ProducerOptionInvalid */
export function readOptions(options: ProducerOptions): ProducerSettings {
  const read = optionsSchema.safeParse(options)
  if (read.success) return read.data
  throw new ProducerOptionInvalid(`createProducer: ${firstIssue(read.error)}`)
}

/** What is wrong first, and where. */
export function firstIssue({ issues }: z.ZodError): string {
  const [first] = issues
  return [first?.path.join('.') ?? '', first?.message ?? ''].filter((part) => part !== '').join(': ')
}
