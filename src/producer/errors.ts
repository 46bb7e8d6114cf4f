/** What is wrong with a field of a request. */
export interface RequestIssue {
  /** Where, such as `messages.0.role`; empty for the request as a whole. */
  readonly path: string
  readonly message: string
}

/** A request that can't be sent. Nothing was enqueued. */
export class RequestInvalid extends Error {
  readonly code = 'request_invalid'
  readonly issues: readonly RequestIssue[]

  constructor(issues: readonly RequestIssue[]) {
    const text = issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
    super(`The request can't be sent. ${text.join('; ')}`)
    this.name = 'RequestInvalid'
    this.issues = issues
  }
}

/** An option of the producer can't be used. */
export class ProducerOptionInvalid extends Error {
  readonly code = 'producer_option_invalid'

  constructor(message: string) {
    super(message)
    this.name = 'ProducerOptionInvalid'
  }
}

/** Another request was enqueued with this custom id. */
export class CustomIdTaken extends Error {
  readonly code = 'custom_id_taken'

  constructor(customId: string) {
    super(
      `The custom id ${JSON.stringify(customId)} belongs to another request. ` +
        'Give this one an id of its own, or leave it out.',
    )
    this.name = 'CustomIdTaken'
  }
}

/** A queue takes so many single requests that have no answer yet (`open`), and so many in all (`ever`). */
export class InboxFull extends Error {
  readonly code = 'inbox_full'

  constructor(queue: string, why: 'open' | 'ever') {
    super(
      why === 'open'
        ? `The queue ${queue} has as many single requests without an answer as it takes. Enqueue again when workers ` +
            'have answered some'
        : `The queue ${queue} has taken 4,294,967,296 single requests, as many as it can. Use another queue`,
    )
    this.name = 'InboxFull'
  }
}

/** No request has this id: it was never enqueued on this queue, or Redis has lost everything since. */
export class RequestUnknown extends Error {
  readonly code = 'request_unknown'

  constructor(id: string) {
    super(`There is no request ${JSON.stringify(id)} on this queue`)
    this.name = 'RequestUnknown'
  }
}

/** There was an answer, and it was kept as long as was asked for. */
export class AnswerExpired extends Error {
  readonly code = 'answer_expired'

  constructor(id: string) {
    super(
      `The answer to request ${id} is no longer kept. Fetch answers sooner, or keep them longer (keepAnswersMs)`,
    )
    this.name = 'AnswerExpired'
  }
}

/** There was no answer within the time that the caller gave. The request goes on. */
export class ResultTimeout extends Error {
  readonly code = 'result_timeout'

  constructor(id: string, timeoutMs: number) {
    super(`There was no answer to request ${id} within ${timeoutMs} ms. It goes on: ask for its result again`)
    this.name = 'ResultTimeout'
  }
}

/** The producer was closed. */
export class ProducerClosed extends Error {
  readonly code = 'producer_closed'

  constructor() {
    super('The producer is closed')
    this.name = 'ProducerClosed'
  }
}

/** No batch of this data directory has this id. */
export class BatchUnknown extends Error {
  readonly code = 'batch_unknown'

  constructor(id: string, directory: string) {
    super(`There is no batch ${JSON.stringify(id)} in ${directory}. Answers are read where they were written`)
    this.name = 'BatchUnknown'
  }
}
