import { afterEach, expect, it } from 'vitest'
import { type Interruptions, listenForInterruptions } from '../../workers/interruptions.js'

const wasTerminal = process.stderr.isTTY
let interruptions: Interruptions | undefined
afterEach(() => {
  interruptions?.close()
  process.stderr.isTTY = wasTerminal
})

/** What a SIGHUP does: stops, asks to read again. */
function hangUp(terminal: boolean): [stopped: boolean, reloads: number] {
  for (const stream of [process.stdin, process.stdout]) expect(stream.isTTY).toBeFalsy()
  process.stderr.isTTY = terminal
  interruptions = listenForInterruptions(async () => {})
  interruptions.takeOver()
  let reloads = 0
  interruptions.onReload(() => reloads++)
  process.emit('SIGHUP')
  return [interruptions.first.aborted, reloads]
}

it('SIGHUP stops in order where there is a terminal, for it was closed', () => {
  expect(hangUp(true)).toEqual([true, 0])
})

it('SIGHUP asks to read the settings again where there is none', () => {
  expect(hangUp(false)).toEqual([false, 1])
})
