import { describe, expect, it } from 'vitest'
import { chosen, type QueueChannel } from '../../src/cli/alerts/channels.js'

const slack = (queue: string, name: string): QueueChannel => {
  return { queue, settings: { type: 'slack', name, url: 'https://hooks.test/HUSH' } }
}
const all = [slack('default', 'team'), slack('nightly', 'team'), slack('nightly', 'boss')]

describe('the channels that a command is about', () => {
  it('are all, or those of the name that was given, in every queue', () => {
    expect(chosen(all, undefined)).toEqual(all)
    expect(chosen(all, 'team')).toEqual(all.slice(0, 2))
  })

  it('must be there', () => {
    expect(() => chosen(all, 'slack')).toThrow(/^There is no channel "slack"; there are: team, boss\. See: /)
    expect(() => chosen(all, 'slack')).not.toThrow(/HUSH/)
    expect(() => chosen([], 'slack')).toThrow(/nobody is told: set CONDUIT_BATCH_ALERT_WEBHOOK/)
  })
})
