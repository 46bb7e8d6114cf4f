-- Records what a request ended in, once: the second call for a request changes nothing, whoever makes it, so an
-- answer that was paid for counts even when the job's lock was lost meanwhile. Needs no lock.
-- KEYS 1 batch (hash)  2 done (bitmap)  3 generations (hash)  4 results (stream)  5 draining batches (set)
--      6 edits (hash)
-- ARGV 1 index  2 generation  3 'completed' | 'dead'  4 the line for the file ('' when it is on disk already)  5 code of the failure ('' none)
--      6 prompt tokens  7 completion tokens  8 total tokens  9 dead letter (JSON, '' none)  10 batch id
-- reply: 'recorded' | 'already' | 'stale' (the request is at another generation) | 'gone' (no such batch)
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return 'gone' end
if tonumber(redis.call('HGET', KEYS[3], ARGV[1]) or '0') ~= tonumber(ARGV[2]) then return 'stale' end
if redis.call('SETBIT', KEYS[2], ARGV[1], 1) == 1 then return 'already' end
if ARGV[4] ~= '' then
  redis.call('XADD', KEYS[4], '*', 'i', ARGV[1], 'g', ARGV[2], 'k', ARGV[3], 'l', ARGV[4], 'd', ARGV[9])
  -- Its batch was ended while the call was out: somebody must still write the answer down.
  if state ~= 'running' then redis.call('SADD', KEYS[5], ARGV[10]) end
end
if ARGV[3] == 'completed' then
  redis.call('HINCRBY', KEYS[1], 'completed', 1)
  redis.call('HDEL', KEYS[6], ARGV[1])
else
  redis.call('HINCRBY', KEYS[1], 'failed', 1)
  redis.call('HINCRBY', KEYS[1], 'failed:' .. ARGV[5], 1)
end
for i, field in ipairs({ 'prompt_tokens', 'completion_tokens', 'total_tokens' }) do
  local tokens = tonumber(ARGV[5 + i])
  if tokens > 0 then redis.call('HINCRBY', KEYS[1], field, tokens) end
end
return 'recorded'
