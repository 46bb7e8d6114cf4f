import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** A file that appears under its name whole and on disk, or not at all. */
export interface DurableFile {
  append(data: Buffer | string): Promise<void>
  /** Gives it its name, in the same directory; replaces a file that has it. */
  commit(name: string): Promise<string>
  /** Drops it. */
  discard(): Promise<void>
}

/** Only its owner may read a file: it can hold prompts. */
const PRIVATE = 0o600

/** Begins a file in a directory, which is made when missing. */
export async function createDurableFile(directory: string, mode = PRIVATE): Promise<DurableFile> {
  await mkdir(directory, { recursive: true })
  const temporary = join(directory, `${process.pid}-${randomBytes(6).toString('hex')}.partial`)
  const handle = await open(temporary, 'wx', mode)

  return {
    append: (data) => handle.writeFile(data),

    async commit(name) {
      await syncAndClose(handle)
      const path = join(directory, name)
      await rename(temporary, path)
      await syncDirectory(dirname(path))
      return path
    },

    async discard() {
      await handle.close()
      await rm(temporary, { force: true })
    },
  }
}

async function syncAndClose(handle: FileHandle): Promise<void> {
  await handle.sync()
  await handle.close()
}

/** A new name is only on disk once its directory is. */
async function syncDirectory(path: string): Promise<void> {
  await syncAndClose(await open(path, 'r'))
}
