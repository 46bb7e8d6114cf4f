// The library. What is exported here is what programs may rely on.

export type { Hold, HoldReason, Incident, IncidentHold, LiftedBy } from './admission/hold.js'
export { OutputTaken } from './batches/claim.js'
export { DataDirectoryUnusable } from './batches/data-directory.js'
export { InputChanged, InputEmpty, InputNotFound, InputUnreadable } from './batches/input/input-errors.js'
export type { BatchSnapshot, BatchState, QueuePace, QueueSnapshot } from './batches/snapshot.js'
export { BadLines, OutputUnusable } from './batches/submission.js'
export type { Forecast } from './credits/forecast.js'
export type { BatchHandle, BatchSummary, DoneOptions } from './producer/batch-handle.js'
export type { BatchRequest } from './producer/batch-request.js'
export {
  type ChatCompletion,
  type ChatRequest,
  chatCompletionSchema,
  chatMessageSchema,
  chatRequestSchema,
} from './producer/chat.js'
export type { EnqueueOptions } from './producer/enqueue.js'
export {
  AnswerExpired,
  BatchUnknown,
  CustomIdTaken,
  InboxFull,
  ProducerClosed,
  ProducerOptionInvalid,
  RequestInvalid,
  type RequestIssue,
  RequestUnknown,
  ResultTimeout,
} from './producer/errors.js'
export type { ProducerOptions } from './producer/options.js'
export { createProducer, type IncidentsOptions, type Producer } from './producer/producer.js'
export type { RequestHandle, RequestStatus, ResultOptions } from './producer/request-handle.js'
export type { RequestFailure, RequestResult } from './producer/result.js'
export type { BatchInput, ReadingProgress, SubmitOptions } from './producer/submit-batch.js'
export { RedisFull } from './redis/full.js'
export { EvictingRedis, RedisTooOld } from './redis/inspect.js'
export { InvalidKeyPrefix, InvalidQueueName } from './redis/keys.js'
export { RedisNotInstalled, RedisStartFailed } from './redis/server/errors.js'
export { InvalidRedisUrl } from './redis/target.js'
export { RedisUnavailable } from './redis/unavailable.js'
export { RedisUnwritable } from './redis/unwritable.js'
