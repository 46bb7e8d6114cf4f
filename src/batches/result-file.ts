import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { wholeLines } from './whole-lines.js'

/** A file of answers is shorter than what was once safely written to it. */
export class ResultFileDamaged extends Error {
  readonly code = 'result_file_damaged'
}

/** An append-only file of lines, written at explicit offsets. */
export interface ResultFile {
  readonly bytes: number
  /** Whole lines that stand behind a checkpoint, in order; a torn last line is cut off. */
  linesBehind(checkpoint: number): AsyncGenerator<string>
  /** Writes lines, given without their ends, at the end; not safe until `sync`. */
  append(lines: readonly Buffer[]): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
}

const READ_BYTES = 1 << 20
const NEWLINE = Buffer.from('\n')

/**
 * Opens a result file, making it when it is not there.
 * @param checkpoint length that was checkpointed
 * @param assertOurs asked before each change; throws when the file may be another's by now
 * @throws ResultFileDamaged when the file is shorter than that
 */
export async function openResultFile(
  path: string,
  checkpoint: number,
  assertOurs: () => void = () => undefined,
): Promise<ResultFile> {
  const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644)
  let { size } = await file.stat()
  let dirty = false
  if (size < checkpoint) {
    await file.close()
    throw new ResultFileDamaged(
      `${path} has ${size} bytes, but ${checkpoint} were written to it: somebody shortened it. ` +
        'Put it back, or start the batch over with --fresh.',
    )
  }
  return {
    get bytes() {
      return size
    },
    async *linesBehind(from) {
      let whole = from
      for await (const { lines, bytes } of wholeLines(readFrom(file, from))) {
        whole += bytes
        yield* lines
      }
      if (whole < size) {
        assertOurs()
        await file.truncate(whole)
        size = whole
        dirty = true
      }
    },
    async append(lines) {
      if (lines.length === 0) return
      const bytes = Buffer.concat(lines.flatMap((line) => [line, NEWLINE]))
      for (let written = 0; written < bytes.length; ) {
        assertOurs()
        const { bytesWritten } = await file.write(bytes, written, bytes.length - written, size + written)
        written += bytesWritten
      }
      size += bytes.length
      dirty = true
    },
    async sync() {
      if (dirty) await file.datasync()
      dirty = false
    },
    close: () => file.close(),
  }
}

async function* readFrom(file: FileHandle, from: number): AsyncGenerator<Buffer> {
  for (let at = from; ; ) {
    const buffer = Buffer.alloc(READ_BYTES)
    const { bytesRead } = await file.read(buffer, 0, READ_BYTES, at)
    if (bytesRead === 0) return
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}
