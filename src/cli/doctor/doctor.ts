import { loadConfig } from '../../config.js'
import type { DoctorFlags } from '../commands/doctor.js'
import { createPaint } from '../text/paint.js'
import { checkChannels } from './channel-check.js'
import { checkQueues } from './conduit-check.js'
import { checkDisk } from './disk-check.js'
import type { Finding } from './finding.js'
import { checkRedis } from './redis-check.js'
import { checkDeadLetters, checkFiles } from './usage-check.js'

/** Columns of what was checked. */
const NARROWEST = 8

/** Checks everything a batch needs, prints what it found, and tells whether a batch could run. */
export async function doctor(flags: DoctorFlags): Promise<boolean> {
  const config = loadConfig(undefined, flags)
  const disk = await checkDisk(config.dataDirectory)
  const redis = await checkRedis(config)
  const findings = [
    disk,
    ...redis,
    ...(await checkFiles(config)),
    ...(redis.some(({ level }) => level === 'bad')
      ? []
      : [await checkDeadLetters(config), ...(await checkChannels(config))]),
    ...(await checkQueues(config)),
  ]
  const ready = findings.every(({ level }) => level !== 'bad')
  process.stdout.write(flags.json ? `${JSON.stringify({ ready, findings })}\n` : inLines(findings, ready))
  return ready
}

function inLines(findings: readonly Finding[], ready: boolean): string {
  const paint = createPaint(process.stdout.isTTY === true && process.stdout.hasColors())
  const tones = { ok: 'good', warn: 'waiting', bad: 'bad' } as const
  const what = ({ check, queue }: Finding) => (queue === undefined ? check : `${check} of ${queue}`)
  const width = Math.max(NARROWEST, ...findings.map((finding) => what(finding).length))
  const lines = findings.map(
    (finding) =>
      `${paint(tones[finding.level], finding.level.padEnd(4))}  ${what(finding).padEnd(width)} ${finding.text}`,
  )
  const verdict = ready ? 'Ready.' : 'Not ready: mend what is bad above, then run doctor again.'
  return `${[...lines, '', verdict].join('\n')}\n`
}
