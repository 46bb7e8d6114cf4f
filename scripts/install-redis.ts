import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Debian asks this program before a package starts its service; 101 means no. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d'

/** Whether the distribution's Redis can be installed from here: as root, with apt-get. */
export function canInstall(env: Environment): boolean {
  const directories = (env.PATH ?? '').split(delimiter)
  return process.getuid?.() === 0 && directories.some((directory) => existsSync(join(directory, 'apt-get')))
}

/**
 * Installs redis-server with apt-get, and leaves no service running or enabled that wasn't there.
 * @throws with the last lines of what apt-get wrote
 */
export function installServer(env: Environment): void {
  const withoutQuestions = { ...env, DEBIAN_FRONTEND: 'noninteractive' }
  const hadPolicy = existsSync(SERVICE_POLICY)
  if (!hadPolicy) writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    run('apt-get', ['update', '-q'], withoutQuestions)
    run('apt-get', ['install', '-q', '-y', '--no-install-recommends', 'redis-server'], withoutQuestions)
  } finally {
    if (!hadPolicy) rmSync(SERVICE_POLICY)
  }
  const hasSystemd = existsSync('/run/systemd/system')
  if (hasSystemd) run('systemctl', ['disable', '--now', 'redis-server'], withoutQuestions)
}

function run(program: string, args: readonly string[], env: Environment): void {
  const ended: SpawnSyncReturns<string> = spawnSync(program, args, { env: { ...env }, encoding: 'utf8' })
  if (ended.error !== undefined) throw ended.error
  if (ended.status === 0) return
  const words = `${ended.stdout}${ended.stderr}`.trimEnd().split('\n').slice(-3).join(' / ')
  throw new Error(`${program} ${args[0]} failed: ${words}`)
}
