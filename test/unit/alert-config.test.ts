import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { AlertSettings } from '../../src/alerts/settings.js'
import { InvalidConfig, loadConfig } from '../../src/config.js'

const directory = mkdtempSync(join(tmpdir(), 'cb-alerts-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const HOUR_MS = 3_600_000
const config = join(directory, 'settings.json')

function alertsOf(settings: unknown, env: NodeJS.ProcessEnv = {}, queue = 'default'): AlertSettings {
  writeFileSync(config, JSON.stringify(settings))
  return loadConfig(env, { config }).queue(queue).alerts
}

function problemsOf(settings: unknown, env: NodeJS.ProcessEnv = {}): string[] {
  try {
    alertsOf(settings, env)
    return []
  } catch (error) {
    if (!(error instanceof InvalidConfig)) throw error
    return error.problems.map((problem) => problem.replace(`${config}: `, ''))
  }
}

const channels = (...all: object[]) => ({ alerts: { channels: all } })

describe('the channels of the file', () => {
  it('are those for all queues and those of the queue, with what their variables and files hold', () => {
    writeFileSync(join(directory, 'secret'), `${SECRET}\n`)
    const settings = {
      alerts: {
        channels: [
          { type: 'slack', urlEnv: 'SLACK' },
          { type: 'slack', name: 'ops', url: 'https://hooks.test/ops' },
          { type: 'slack', url: 'https://hooks.test/second' },
        ],
        reminders: ['30m', '2h'],
      },
      queues: {
        default: {
          alerts: {
            channels: [
              { type: 'webhook', url: 'https://hooks.test/w', secretEnv: 'SIGN' },
              { type: 'webhook', name: 'other', url: 'https://hooks.test/o', secretFile: 'secret' },
              { type: 'discord', url: 'https://hooks.test/d' },
              { type: 'pagerduty', routingKeyEnv: 'ROUTE' },
              { type: 'email', smtpUrlEnv: 'MAIL', from: 'Batches <b@x.test>', to: ['a@x.test'] },
              { type: 'command', command: ['./tell.sh', '--loud'] },
            ],
          },
        },
        plain: { alerts: { reminders: [] } },
      },
    }
    const env = {
      SLACK: ' https://hooks.test/s ',
      SIGN: SECRET,
      ROUTE: 'R0UTE',
      MAIL: 'smtps://u:p@mail.test',
    }
    const all = alertsOf(settings, { ...env, CONDUIT_API_KEY: 'sk-secret', LANG: 'C', HOME: '/root' })
    expect(all.remindersMs).toEqual([HOUR_MS / 2, 2 * HOUR_MS])
    expect(all.channels).toEqual([
      { type: 'slack', name: 'slack', url: 'https://hooks.test/s' },
      { type: 'slack', name: 'ops', url: 'https://hooks.test/ops' },
      { type: 'slack', name: 'slack-2', url: 'https://hooks.test/second' },
      { type: 'webhook', name: 'webhook', url: 'https://hooks.test/w', secret: SECRET },
      { type: 'webhook', name: 'other', url: 'https://hooks.test/o', secret: SECRET },
      { type: 'discord', name: 'discord', url: 'https://hooks.test/d' },
      {
        type: 'pagerduty',
        name: 'pagerduty',
        routingKey: 'R0UTE',
        url: 'https://events.pagerduty.com/v2/enqueue',
      },
      {
        type: 'email',
        name: 'email',
        smtpUrl: 'smtps://u:p@mail.test',
        from: 'Batches <b@x.test>',
        to: ['a@x.test'],
      },
      {
        type: 'command',
        name: 'command',
        command: ['./tell.sh', '--loud'],
        directory,
        // Nothing that is meant for us, and nothing that the file names.
        environment: { LANG: 'C', HOME: '/root' },
      },
    ])
    const plain = alertsOf(settings, env, 'plain')
    expect(plain.channels.map(({ name }) => name)).toEqual(['slack', 'ops', 'slack-2'])
    expect(plain.remindersMs).toEqual([])
  })

  it('may be one webhook, said in short, before which that of the environment gives way', () => {
    const env = {
      CONDUIT_BATCH_ALERT_WEBHOOK: 'https://hooks.test/env',
      CONDUIT_BATCH_ALERT_WEBHOOK_SECRET: SECRET,
    }
    const hook = (url: string, name = 'webhook') => ({ type: 'webhook', name, url, secret: SECRET })
    expect(alertsOf({}, env).channels).toEqual([hook('https://hooks.test/env')])
    const shared = { alerts: { webhook: 'https://hooks.test/all' } }
    expect(alertsOf(shared, env).channels).toEqual([hook('https://hooks.test/all')])
    const own = { ...shared, queues: { default: { alerts: { webhookEnv: 'OWN' } } } }
    expect(alertsOf(own, { ...env, OWN: 'https://hooks.test/own' }).channels).toEqual([
      hook('https://hooks.test/all'),
      hook('https://hooks.test/own', 'webhook-2'),
    ])
    // Channels are told in addition.
    expect(alertsOf(channels({ type: 'slack', url: 'https://hooks.test/s' }), env).channels).toHaveLength(2)
  })
})

describe('what is wrong with channels', () => {
  it('is told all at once, each with its place', () => {
    expect(
      problemsOf({
        alerts: {
          reminders: ['1 hour'],
          channels: [
            { type: 'sms' },
            { type: 'slack', name: 'log' },
            { type: 'webhook', url: 'hooks', secretEnv: 'A', secretFile: 'b' },
            { type: 'webhook', url: 'https://h', urlEnv: 'HOOK', secret: 'whsec_x', name: 'one' },
            { type: 'discord', url: 'https://h', name: 'one' },
            { type: 'pagerduty', routingKey: 'R0' },
            { type: 'email', smtpUrl: 'smtp://u:p@mail.test', from: 'me', to: [] },
            { type: 'command', command: 'echo', shell: true },
          ],
        },
        queues: { default: { alerts: { channels: [{ type: 'slack', url: 'https://h', name: 'one' }] } } },
      }),
    ).toEqual([
      'alerts.channels.0.type must be one of webhook, slack, discord, pagerduty, email, command',
      expect.stringMatching(/^alerts\.channels\.1\.name must be 1 to 32 of .* and not "log"$/),
      'alerts.channels.2.url must be an http:// or https:// URL',
      expect.stringMatching(
        /^alerts\.channels\.3\.secret has no place in this file.*"secretEnv": "SOME_NAME"/,
      ),
      expect.stringMatching(
        /^alerts\.channels\.5\.routingKeyEnv must be the name of an environment variable/,
      ),
      expect.stringMatching(/^alerts\.channels\.5\.routingKey has no place in this file.*"routingKeyEnv": /),
      expect.stringMatching(/^alerts\.channels\.6\.from must be an e-mail address/),
      'alerts.channels.6.to must hold an address',
      expect.stringMatching(/^alerts\.channels\.7\.command must be a list of a program and its arguments/),
      expect.stringMatching(/^alerts\.channels\.7\.shell is not a setting; there are: type, name, command$/),
      'alerts.reminders.0 must be a time like "30d", "12h", "45m" or "2w"',
      'alerts.channels.1 must say where it is: "url", or "urlEnv"',
      'alerts.channels.2.secretEnv and secretFile are both there; keep one',
      'alerts.channels.3.url and urlEnv are both there; keep one',
      'alerts.channels.4.name is the name of another channel',
      expect.stringMatching(/^alerts\.channels\.6\.smtpUrl holds a password.*"smtpUrlEnv"/),
      'queues.default.alerts.channels.0.name is the name of another channel',
    ])
  })

  it('is what variables and files hold, too, without quoting it', () => {
    writeFileSync(join(directory, 'secret'), 'hush')
    const problems = problemsOf(
      channels(
        { type: 'slack', urlEnv: 'SLACK' },
        { type: 'discord', urlEnv: 'DISCORD' },
        { type: 'webhook', url: 'https://h', secretEnv: 'SIGN' },
        { type: 'webhook', url: 'https://h', secretFile: 'secret' },
        { type: 'webhook', url: 'https://h', secretFile: 'nowhere' },
        { type: 'pagerduty', routingKeyEnv: 'ROUTE' },
        { type: 'email', smtpUrlEnv: 'MAIL', from: 'a@x.test', to: ['a@x.test'] },
      ),
      { DISCORD: 'hush', SIGN: 'hush', ROUTE: 'hush hush', MAIL: 'https://hush' },
    )
    expect(problems).toEqual([
      'alerts.channels.0.urlEnv names SLACK, which is not set. Type: export SLACK=https://…',
      'alerts.channels.1.urlEnv names DISCORD, which must be an http:// or https:// URL',
      expect.stringMatching(/^alerts\.channels\.2\.secretEnv names SIGN, which must be whsec_ and 24 to 64 /),
      expect.stringMatching(/^alerts\.channels\.3\.secretFile names secret, which must be whsec_ /),
      "alerts.channels.4.secretFile names nowhere, which can't be read",
      'alerts.channels.5.routingKeyEnv names ROUTE, which must be visible ASCII without spaces',
      'alerts.channels.6.smtpUrlEnv names MAIL, which must be an smtp:// or smtps:// URL',
    ])
    expect(problems.join()).not.toContain('hush')
  })
})
