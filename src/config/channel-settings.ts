import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ChannelSettings } from '../alerts/settings.js'
import { signingSecretProblem } from '../alerts/signing.js'
import type { ChannelFields } from './alert-schema.js'
import { HTTP_URL, isHttpUrl, isSmtpUrl, SMTP_URL } from './url.js'

const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue'

export interface ChannelSources {
  /** As the user calls the file of settings. */
  readonly fileName: string | null
  /** What its paths are relative to. */
  readonly directory: string
  /** What a variable holds that the file names; null when it is not set. */
  readonly variable: (name: string) => string | null
  /** What a command may know of our environment. */
  readonly environmentOfCommands: Readonly<Record<string, string>>
}

type Reading = { readonly channel: ChannelSettings } | { readonly problems: readonly string[] }

/** A check of what a variable or file holds: the rest of a sentence that begins with its name, or null. */
type Check = (value: string) => string | null

/** A channel with what its variables and files hold. */
export function readChannel(
  fields: ChannelFields & { readonly name: string },
  place: string,
  sources: ChannelSources,
): Reading {
  const problems: string[] = []
  const ofVariable = (field: string, name: string, check: Check, example: string): string => {
    const value = sources.variable(name)
    const where = `${sources.fileName}: ${place}.${field} names ${name}, which`
    const problem = value === null ? `is not set. Type: export ${name}=${example}` : check(value)
    if (problem !== null) problems.push(`${where} ${problem}`)
    return value ?? ''
  }
  const ofFile = (path: string): string => {
    const value = readSecretFile(resolve(sources.directory, path))
    const where = `${sources.fileName}: ${place}.secretFile names ${path}, which`
    const problem = value === null ? "can't be read" : signingSecretProblem(value)
    if (problem !== null) problems.push(`${where} ${problem}`)
    return value ?? ''
  }
  const url = (said: string | undefined, name: string | undefined, field = 'urlEnv'): string =>
    name === undefined ? (said ?? '') : ofVariable(field, name, httpUrl, 'https://…')

  const channel = ((): ChannelSettings => {
    const { name } = fields
    switch (fields.type) {
      case 'webhook': {
        const { secretEnv, secretFile } = fields
        const secret =
          secretEnv !== undefined
            ? ofVariable('secretEnv', secretEnv, signingSecretProblem, 'whsec_…')
            : secretFile !== undefined
              ? ofFile(secretFile)
              : null
        // In short it is said one level up, where the field is called webhookEnv.
        const field = place.includes('.channels.') ? 'urlEnv' : 'webhookEnv'
        return { type: fields.type, name, url: url(fields.url, fields.urlEnv, field), secret }
      }
      case 'slack':
      case 'discord':
        return { type: fields.type, name, url: url(fields.url, fields.urlEnv) }
      case 'pagerduty': {
        const routingKey = ofVariable('routingKeyEnv', fields.routingKeyEnv, oneWord, '…')
        return { type: fields.type, name, routingKey, url: fields.url ?? PAGERDUTY_URL }
      }
      case 'email': {
        const { from, to, smtpUrl, smtpUrlEnv } = fields
        const server =
          smtpUrlEnv === undefined
            ? (smtpUrl ?? '')
            : ofVariable('smtpUrlEnv', smtpUrlEnv, aSmtpUrl, 'smtps://user:password@mail.example.com')
        return { type: fields.type, name, smtpUrl: server, from, to }
      }
      case 'command': {
        const { directory, environmentOfCommands: environment } = sources
        return { type: fields.type, name, command: fields.command, directory, environment }
      }
    }
  })()
  return problems.length > 0 ? { problems } : { channel }
}

const httpUrl: Check = (value) => (isHttpUrl(value) ? null : HTTP_URL)
const aSmtpUrl: Check = (value) => (isSmtpUrl(value) ? null : SMTP_URL)
const oneWord: Check = (value) =>
  /^[\x21-\x7e]+$/.test(value) ? null : 'must be visible ASCII without spaces'

function readSecretFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    // The caller says that it can't be read, with the name that the user gave it.
    return null
  }
}
