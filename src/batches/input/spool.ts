import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { createDurableFile, type DurableFile } from './durable-file.js'
import { errnoOf, InputUnreadable } from './input-errors.js'

const GUNZIP_BYTES = 256 * 1024

interface SpoolOptions {
  /** How the user calls the input. */
  readonly input: string
  readonly spoolDir: string
  /** True when it must be gzip; otherwise its first bytes tell. */
  readonly gzip: boolean
}

/** Whether these first bytes begin a gzip file (RFC 1952). */
export function isGzip(head: Buffer): boolean {
  return head[0] === 0x1f && head[1] === 0x8b
}

const SPOOLED = 'input.jsonl'

/**
 * Copies a source, decompressed, to `<spoolDir>/input.jsonl`, fsynced, and gives its path. Nothing stays when it fails.
 * @throws InputUnreadable when it is a broken gzip or should be one and isn't
 */
export async function spool(source: AsyncIterable<Buffer>, options: SpoolOptions): Promise<string> {
  const file = await createDurableFile(options.spoolDir)
  try {
    await copy(source, options, file)
    return await file.commit(SPOOLED)
  } catch (error) {
    await file.discard()
    throw error
  }
}

async function copy(
  source: AsyncIterable<Buffer>,
  { input, gzip }: SpoolOptions,
  file: DurableFile,
): Promise<void> {
  const store = async (plain: AsyncIterable<Buffer>) => {
    for await (const buffer of plain) await file.append(buffer)
  }
  const { head, whole } = await peek(source)
  if (isGzip(head)) await pipeline(whole, createGunzip({ chunkSize: GUNZIP_BYTES }), store).catch(asGzipError)
  else if (gzip) throw new InputUnreadable(input, NOT_GZIP)
  else await store(whole)

  function asGzipError(error: unknown): never {
    if (!errnoOf(error)?.startsWith('Z_')) throw error
    throw new InputUnreadable(input, BROKEN_GZIP, { cause: error })
  }
}

const NOT_GZIP = 'it is named .gz and holds no gzip data. If it is plain text, rename it.'
const BROKEN_GZIP =
  'it is a broken gzip (cut short or damaged). Nothing of it was used; make or fetch it again.'

/** The first two bytes of a source (fewer when it has fewer), and the whole source still. */
async function peek(source: AsyncIterable<Buffer>): Promise<{ head: Buffer; whole: AsyncGenerator<Buffer> }> {
  const iterator = source[Symbol.asyncIterator]()
  let head = Buffer.alloc(0)
  while (head.length < 2) {
    const next = await iterator.next()
    if (next.done === true) break
    head = Buffer.concat([head, next.value])
  }
  return { head, whole: resumed() }

  async function* resumed(): AsyncGenerator<Buffer, void, undefined> {
    try {
      if (head.length > 0) yield head
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
        yield next.value
    } finally {
      await iterator.return?.()
    }
  }
}
