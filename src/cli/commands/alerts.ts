import { Command } from 'commander'
import { addConfigurationOptions, type ConfigurationFlags } from '../common-options.js'
import { ALERTS, ALERTS_LIST, ALERTS_TEST } from '../help/alerts.js'
import { withManual } from '../help/with-manual.js'
import { queueName, someText } from '../option-values.js'

export interface AlertsFlags extends ConfigurationFlags {
  readonly queue?: string
  readonly json?: true
}

export interface TestAlertsFlags extends AlertsFlags {
  readonly channel?: string
}

const JSON_FLAG = ['--json', 'print one JSON object on stdout'] as const

/** `conduit-batch alerts`: the channels by which people are told. */
export function alertsCommand(): Command {
  const command = new Command('alerts')
    .description('see who is told when only a person can help, and try it')
    .helpCommand(false)
    .addCommand(list())
    .addCommand(test())
  return withManual(command, ALERTS)
}

function list(): Command {
  const command = new Command('list')
    .description('the channels of alerts, and how each fares')
    .option('-q, --queue <name>', 'only those of this queue', queueName)
  return addConfigurationOptions(withManual(command, ALERTS_LIST))
    .option(...JSON_FLAG)
    .action(async (flags: AlertsFlags) => {
      const { listChannels } = await import('../alerts/list.js')
      await listChannels(flags)
    })
}

function test(): Command {
  const command = new Command('test')
    .description('send a test through every channel now, and tell whether it arrived')
    .option('--channel <name>', 'only this channel', someText)
    .option('-q, --queue <name>', 'only the channels of this queue', queueName)
  return addConfigurationOptions(withManual(command, ALERTS_TEST))
    .option(...JSON_FLAG)
    .action(async (flags: TestAlertsFlags) => {
      const { testChannels } = await import('../alerts/test.js')
      process.exitCode = await testChannels(flags)
    })
}
