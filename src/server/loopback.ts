import { isIPv4 } from 'node:net'

/** Whether an address or a name means this machine only: 127.0.0.0/8, ::1 and localhost. */
export function isLoopback(host: string): boolean {
  const plain = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  return plain === 'localhost' || plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'))
}

/** The host of a `Host` header, without its port; null when there is none, or it can't be one. */
export function hostOf(header: string | undefined): string | null {
  const [, host] = /^(\[[0-9a-fA-F:.]+\]|[^:@/\s]+)(?::\d+)?$/.exec(header ?? '') ?? []
  return host ?? null
}
