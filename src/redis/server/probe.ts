import { connect } from 'node:net'

/**
 * What a socket says to a command. `absent`: nobody listens. `mute`: somebody accepts and says nothing in time
 * (stopped, or in a long step of loading). `loading`: it reads its AOF and will be ready by itself.
 */
export type Answer =
  | { readonly kind: 'ready'; readonly line: string }
  | { readonly kind: 'loading' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'mute' }

const NOBODY_LISTENS = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE']
const ANSWER_TIMEOUT_MS = 2_000

/**
 * Sends one command without arguments to a Unix socket, and gives the first line of the reply. Any reply but
 * LOADING means a server that takes commands.
 * @throws the socket's error when it is none of the above (no permission, say)
 */
export function ask(socketPath: string, command: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath)
    const settle = (answer: Answer): void => {
      socket.destroy()
      resolve(answer)
    }
    let received = ''
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => settle({ kind: 'mute' }))
    socket.once('connect', () => socket.write(`${command}\r\n`))
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      if (received.includes('\r\n')) settle(readLine(received))
    })
    socket.once('close', () => settle({ kind: 'absent' }))
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // EAGAIN: the queue of connections is full because nobody takes any.
      if (error.code === 'EAGAIN') settle({ kind: 'mute' })
      else if (NOBODY_LISTENS.includes(error.code ?? '')) settle({ kind: 'absent' })
      else reject(error)
    })
  })
}

function readLine(received: string): Answer {
  const line = received.slice(0, received.indexOf('\r\n'))
  return line.startsWith('-LOADING') ? { kind: 'loading' } : { kind: 'ready', line }
}
