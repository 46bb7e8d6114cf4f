import { LETTERS_EXIT, type Manual, PLAIN_EXIT } from './manual.js'

export const DEAD_LETTERS: Manual = {
  description: [
    'A request that is not tried again by itself is a dead letter: Conduit refused it for what it says, its attempts ' +
      'are used up, or its line was never a request. It stays, with what Conduit answered, until it is retried or ' +
      'discarded, or its batch is purged.',
    'See what failed, mend it, send it again: the answers land in the files of their batches, which become whole ' +
      'again under the same names. The answer to a single request goes to its handle, in the program that enqueued it.',
  ],
  examples: [
    { type: 'conduit-batch dead-letters list' },
    { type: 'conduit-batch dead-letters show b82926d785cbb-17-0' },
    { type: 'conduit-batch dead-letters retry --code CHAT_MODEL_NOT_FOUND --set body.model=gpt-4o-mini' },
  ],
  exitStatus: LETTERS_EXIT,
  seeAlso: ['retry-failed', 'results', 'status', 'purge'],
}

export const LIST: Manual = {
  description: [
    'Groups what failed by code and by what the messages have in common, with the fields that Conduit complained ' +
      'about, the time, and one id to look at. The most frequent comes first. With --ids each letter has a line.',
    'Without --queue it looks in every queue.',
  ],
  examples: [
    { type: 'conduit-batch dead-letters list' },
    { type: 'conduit-batch dead-letters list --batch nightly --code VALIDATION_ERROR --ids' },
    { type: 'conduit-batch dead-letters list --json | jq .groups' },
  ],
  seeAlso: ['dead-letters show', 'dead-letters retry', 'dead-letters export'],
}

export const SHOW: Manual = {
  description: [
    'Where the request came from, what it died of and what that means, what to do, the request as it would be sent ' +
      "now, Conduit's answer with its request id, every earlier attempt, and what it died of before it was retried.",
    'The request is read from the input of its batch, so it can only be shown where that is.',
  ],
  examples: [
    { type: 'conduit-batch dead-letters show b82926d785cbb-17-0' },
    { type: 'conduit-batch dead-letters show b82926d785cbb-17-0 --json | jq .body' },
  ],
  seeAlso: ['dead-letters list', 'dead-letters retry'],
}

export const RETRY: Manual = {
  description: [
    'Gives dead letters back to their batches; the workers call them at their pace, with a new set of attempts. A ' +
      'batch that was finished runs again until they have ended.',
    'Letters are chosen by id, or by options; they must fit all of these. Ctrl-C stops between two portions, and ' +
      'the same command goes on. Whatever happens in between, no request is sent twice by that.',
    '--set changes the body before: body.FIELD=VALUE, with dots for fields within fields and numbers for elements. A ' +
      'value is JSON where it is JSON, else a text.',
  ],
  examples: [
    { type: 'conduit-batch dead-letters retry b82926d785cbb-17-0' },
    { type: 'conduit-batch dead-letters retry --code retries_exhausted --dry-run', for: 'only counts' },
    {
      type: 'conduit-batch dead-letters retry --batch nightly --model gpt-9 --set body.model=gpt-4o-mini',
      for: 'those of one batch that named a model which is not there',
    },
  ],
  exitStatus: LETTERS_EXIT,
  seeAlso: ['retry-failed', 'dead-letters list', 'dead-letters export', 'work'],
}

export const DISCARD: Manual = {
  description: [
    'Drops dead letters that nobody will retry. Their requests stay failed: what the files of their batches say of ' +
      'them stays, and so do the counts.',
    'More than 100 are dropped only after a question. Where there is no terminal to ask on, --yes has to be said.',
  ],
  examples: [
    { type: 'conduit-batch dead-letters discard --code VALIDATION_ERROR --older-than 7d --yes' },
    { type: 'conduit-batch dead-letters discard --all --queue trial --dry-run', for: 'only counts' },
  ],
  exitStatus: LETTERS_EXIT,
  seeAlso: ['dead-letters list', 'purge'],
}

export const EXPORT: Manual = {
  description: [
    'One JSON object a line: id, queue, batch, custom_id, line, code, message, fields, status, request_id, attempts, ' +
      'at, and body, the request as it would be sent now. Mend the bodies, leave out the lines that are not to be ' +
      'sent, and import the file.',
    'body is null where the request can not be had, and body_missing says why.',
  ],
  examples: [
    { type: 'conduit-batch dead-letters export --batch nightly --output mend.jsonl' },
    { type: 'conduit-batch dead-letters export --code VALIDATION_ERROR | jq .fields' },
  ],
  exitStatus: PLAIN_EXIT,
  seeAlso: ['dead-letters import', 'results'],
}

export const IMPORT: Manual = {
  description: [
    'Retries the dead letters that the lines name, each with the body that stands there. id and body are enough. A ' +
      'line that can not be sent, or whose letter is gone, is told by its number and changes nothing.',
    'Again it changes nothing: what was retried is no dead letter any more.',
  ],
  examples: [
    { type: 'conduit-batch dead-letters import mend.jsonl --dry-run', for: 'only checks the lines' },
    { type: 'conduit-batch dead-letters import mend.jsonl' },
    {
      type: 'conduit-batch dead-letters export | jq -c ".body.temperature = 0" | conduit-batch dead-letters import -',
    },
  ],
  exitStatus: LETTERS_EXIT,
  seeAlso: ['dead-letters export', 'dead-letters retry'],
}
