-- Ends a batch: it takes no more calls. Working keys stay for a while, so that a late answer is still told from
-- a new one, and go by themselves.
-- KEYS 1 batch (hash)  2 active batches (set)  3 done (bitmap)  4 generations (hash)  5 results (stream)
--      6 gate (hash)  7 incident (string, JSON)  8 outbox (hash)  9 past incidents (list)
-- ARGV 1 batch id  2 state  3 reason ('' none)  4 seconds to keep the bitmap
-- reply: 1, or 0 when it had ended before
if redis.call('HGET', KEYS[1], 'state') ~= 'running' then return 0 end
local time = redis.call('TIME')
local pauses = tonumber(redis.call('HGET', KEYS[6], 'pauses') or '0')
local before = tonumber(redis.call('HGET', KEYS[1], 'pausesBefore') or '0')
redis.call('HSET', KEYS[1], 'state', ARGV[2], 'reason', ARGV[3], 'pauses', pauses - before,
  'finishedAt', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('SREM', KEYS[2], ARGV[1])
-- With the last batch of the queue nobody waits for the incident's end any more: one that was lifted is over, even if
-- no call succeeded since (the last requests were all refused for what they are).
local raw = redis.call('GET', KEYS[7])
local incident = raw and cjson.decode(raw)
if incident and incident.liftedAt ~= cjson.null and redis.call('SCARD', KEYS[2]) == 0 then
  incident.resolvedAt = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('LPUSH', KEYS[9], cjson.encode(incident))
  redis.call('DEL', KEYS[7])
  redis.call('HSET', KEYS[8], incident.id .. '-resolved',
    cjson.encode({ type = 'incident.resolved', incident = incident }))
end
redis.call('EXPIRE', KEYS[3], ARGV[4])
redis.call('EXPIRE', KEYS[4], ARGV[4])
if ARGV[2] == 'completed' then redis.call('DEL', KEYS[5]) end
return 1
