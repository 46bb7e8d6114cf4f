import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Alert } from '../../src/alerts/alert.js'
import { clip, clipEscaped } from '../../src/alerts/channels/clip.js'
import { toldTo } from '../../src/alerts/channels/command.js'
import { discordPost } from '../../src/alerts/channels/discord.js'
import { mailOf } from '../../src/alerts/channels/email.js'
import { pagerDutyPosts } from '../../src/alerts/channels/pagerduty.js'
import { slackPost } from '../../src/alerts/channels/slack.js'
import { webhookPost } from '../../src/alerts/channels/webhook.js'
import { sign } from '../../src/alerts/signing.js'
import { BRAKED, HOSTILE, incidentAlert, LOW, OVER_BUDGET, resolvedAlert, TEST } from '../support/alerts.js'

const URL_ = 'https://hooks.test/x'
const evil = incidentAlert({ message: HOSTILE, code: HOSTILE, action: HOSTILE, requestId: HOSTILE })
const EVERY: readonly Alert[] = [incidentAlert(), resolvedAlert(), BRAKED, LOW, OVER_BUDGET, TEST, evil]

interface Block {
  readonly type: string
  readonly text: { readonly type: string; readonly text: string }
}

describe('a webhook', () => {
  it('is signed as Standard Webhooks say, by their own example', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
    expect(sign(secret, 'msg_p5jXN8AQM9LWM0D4loKWxJek', '1614265330', '{"test": 2432232314}')).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    )
  })

  it('has the alert as its body, its id, and the time of the attempt', () => {
    const secret = `whsec_${Buffer.alloc(24, 9).toString('base64')}`
    const { headers = {}, body } = webhookPost(incidentAlert(), { url: URL_, secret }, 1_700_000_000_999)
    expect(JSON.parse(body)).toEqual(incidentAlert())
    expect(headers).toEqual({
      'webhook-id': 'i1-opened',
      'webhook-timestamp': '1700000000',
      'webhook-signature': sign(secret, 'i1-opened', '1700000000', body),
    })
    expect(webhookPost(incidentAlert(), { url: URL_, secret: null }, 0).headers).not.toHaveProperty(
      'webhook-signature',
    )
  })
})

describe('a message for Slack', () => {
  const read = (alert: Alert) => JSON.parse(slackPost(alert, URL_).body) as { text: string; blocks: Block[] }

  it('says it in plain text, with the line to type and the page', () => {
    const { text, blocks } = read(incidentAlert())
    expect(text).toBe('Queue default waits: the Conduit account has run out of credits')
    expect(blocks.map((block) => [block.type, block.text.type])).toEqual([
      ['header', 'plain_text'],
      ['section', 'plain_text'],
      ['section', 'mrkdwn'],
      ['section', 'mrkdwn'],
    ])
    expect(blocks[1]?.text.text).toContain('Waiting: 41,209 requests, about $12.40 to finish\nTop up at')
    expect(blocks[2]?.text.text).toBe('```conduit-batch resume```')
    expect(blocks[3]?.text.text).toBe('<https://conduit.im>')
  })

  it('keeps the limits, and has nothing from outside where markup is read', () => {
    for (const alert of EVERY) {
      const { text, blocks } = read(alert)
      expect(text).not.toMatch(/[<>]/)
      for (const block of blocks) {
        expect(block.text.text.length).toBeLessThanOrEqual(block.type === 'header' ? 150 : 3000)
        if (block.text.type === 'mrkdwn') expect(block.text.text).not.toContain('@')
      }
    }
  })
})

describe('a message for Discord', () => {
  interface Embed {
    readonly title: string
    readonly description: string
    readonly url?: string
    readonly fields: readonly { readonly name: string; readonly value: string }[]
  }
  const read = (alert: Alert) =>
    JSON.parse(discordPost(alert, URL_).body) as { embeds: [Embed]; allowed_mentions: unknown }

  it('says it in an embed and mentions nobody', () => {
    const { embeds, allowed_mentions } = read(incidentAlert())
    expect(allowed_mentions).toEqual({ parse: [] })
    expect(embeds[0]).toMatchObject({
      title: 'Queue default waits: the Conduit account has run out of credits',
      url: 'https://conduit.im',
      description: expect.stringContaining('```\nconduit-batch resume\n```'),
    })
    expect(embeds[0].fields[2]).toEqual({
      name: 'Waiting',
      value: '41,209 requests, about $12.40 to finish',
    })
  })

  it('keeps the limits, and escapes markdown', () => {
    for (const alert of EVERY) {
      const [{ title, description, fields }] = read(alert).embeds
      expect(title.length).toBeLessThanOrEqual(256)
      expect(description.length).toBeLessThanOrEqual(4096)
      for (const { name, value } of fields) {
        expect(name.length).toBeLessThanOrEqual(256)
        expect(value.length).toBeLessThanOrEqual(1024)
        expect(value).not.toBe('')
      }
      const all =
        title.length + description.length + fields.reduce((n, f) => n + f.name.length + f.value.length, 0)
      expect(all).toBeLessThanOrEqual(6000)
    }
    const [{ fields }] = read(evil).embeds
    expect(fields[0]?.value).toContain('\\<\\!channel\\>'.replace('\\!', '!'))
    expect(fields[0]?.value).toContain('\\*\\*bold\\*\\* \\`tick\\`')
  })
})

describe('an event for PagerDuty', () => {
  const read = (alert: Alert) =>
    pagerDutyPosts(alert, { url: URL_, routingKey: 'R0' }).map(({ body }) => JSON.parse(body))

  it('triggers, is triggered again by a reminder, and resolved, under one key', () => {
    const [opened] = read(incidentAlert())
    expect(opened).toMatchObject({
      routing_key: 'R0',
      event_action: 'trigger',
      dedup_key: 'i1',
      client: 'conduit-batch',
      payload: {
        summary: 'Queue default waits: the Conduit account has run out of credits',
        source: 'conduit-batch queue default',
        severity: 'critical',
        timestamp: '2026-11-23T01:40:02.120Z',
        component: 'default',
        class: 'incident.opened',
        custom_details: { 'Line to type': 'conduit-batch resume' },
      },
      links: [{ href: 'https://conduit.im', text: 'https://conduit.im' }],
    })
    expect(read(incidentAlert({ type: 'incident.reminder', id: 'i1-reminder-1' }))[0]).toMatchObject({
      event_action: 'trigger',
      dedup_key: 'i1',
    })
    expect(read(resolvedAlert())).toEqual([{ routing_key: 'R0', event_action: 'resolve', dedup_key: 'i1' }])
  })

  it('of a batch has a key of its own, and a test ends itself', () => {
    expect(read(BRAKED)).toMatchObject([{ event_action: 'trigger', dedup_key: 'b1-braked-1' }])
    expect(read(TEST)).toMatchObject([
      { event_action: 'trigger', dedup_key: 'test-1', payload: { severity: 'info' } },
      { event_action: 'resolve', dedup_key: 'test-1' },
    ])
  })

  it('keeps the limits', () => {
    for (const alert of EVERY) {
      for (const { payload, dedup_key } of read(alert)) {
        expect(payload?.summary.length ?? 0).toBeLessThanOrEqual(1024)
        expect(dedup_key.length).toBeLessThanOrEqual(255)
      }
    }
  })
})

describe('a mail', () => {
  const to = { from: 'a@x.test', to: ['b@x.test'] }

  it('is known by the id of its alert, and goes on from that of its incident', () => {
    expect(mailOf(incidentAlert(), to)).toMatchObject({
      subject: 'Queue default waits: the Conduit account has run out of credits',
      messageId: '<i1-opened@conduit-batch.invalid>',
    })
    expect(mailOf(resolvedAlert(), to)).toMatchObject({
      messageId: '<i1-resolved@conduit-batch.invalid>',
      inReplyTo: '<i1-opened@conduit-batch.invalid>',
    })
    expect(mailOf(BRAKED, to)).not.toHaveProperty('inReplyTo')
  })

  it('has a subject of one line', () => {
    for (const alert of EVERY) expect(mailOf(alert, to).subject).toMatch(/^[^\r\n]{1,180}$/)
  })
})

it('a command is told in JSON and in words, none of which ends a C string', () => {
  for (const alert of EVERY) {
    const { input, environment } = toldTo(alert)
    expect(JSON.parse(input)).toEqual(alert)
    expect(Object.values(environment).join('')).not.toContain('\0')
  }
})

describe('clipping', () => {
  it('keeps the limit behind the escaping, and cuts no escape in two', () => {
    const escaped = (character: string) => (character === '&' ? '&amp;' : character)
    const text = fc.string({ unit: fc.constantFrom('a', '&', '👍') })
    fc.assert(
      fc.property(text, fc.integer({ min: 5, max: 40 }), (each, limit) => {
        const clipped = clipEscaped(each, limit, escaped)
        expect(clipped.length).toBeLessThanOrEqual(limit)
        expect(clipped).toMatch(/^(a|&amp;|👍)*…?$/u)
      }),
    )
    expect(clip('abcdef', 4)).toBe('abc…')
  })
})
