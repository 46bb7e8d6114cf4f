import type { Alert } from '../alert.js'
import type { ChannelSettings } from '../settings.js'
import { runCommand, toldTo } from './command.js'
import { discordPost } from './discord.js'
import { mailOf, sendMail } from './email.js'
import { pagerDutyPosts } from './pagerduty.js'
import { post } from './post.js'
import { slackPost } from './slack.js'
import { webhookPost } from './webhook.js'

/**
 * Sends an alert through a channel, within 10 seconds or so.
 * @throws ChannelFailed
 */
export async function sendThrough(channel: ChannelSettings, alert: Alert): Promise<void> {
  switch (channel.type) {
    case 'webhook':
      return post(webhookPost(alert, channel, Date.now()))
    case 'slack':
      return post(slackPost(alert, channel.url))
    case 'discord':
      return post(discordPost(alert, channel.url))
    case 'pagerduty':
      for (const event of pagerDutyPosts(alert, channel)) await post(event)
      return
    case 'email':
      return sendMail(mailOf(alert, channel), channel.smtpUrl)
    case 'command':
      return runCommand(toldTo(alert), channel)
  }
}
