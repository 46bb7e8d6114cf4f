/** Writes all of it to stdout, as fast as its reader takes it. A reader that has left (| head) ends it quietly. */
export async function writeToStdout(blocks: AsyncIterable<Buffer>): Promise<void> {
  const { stdout } = process
  let gone = false
  let wake = (): void => {}
  const onGone = () => {
    gone = true
    wake()
  }
  const onDrain = () => wake()
  stdout.on('error', onGone)
  stdout.on('close', onGone)
  stdout.on('drain', onDrain)
  try {
    for await (const block of blocks) {
      if (gone) return
      if (stdout.write(block)) continue
      await new Promise<void>((resolve) => {
        wake = resolve
        if (gone || !stdout.writableNeedDrain) resolve()
      })
    }
  } finally {
    stdout.off('error', onGone)
    stdout.off('close', onGone)
    stdout.off('drain', onDrain)
  }
}
