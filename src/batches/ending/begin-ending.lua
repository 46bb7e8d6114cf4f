-- Begins to end a batch early: no further call of it starts, and what is open becomes error lines (close-open.lua).
-- KEYS 1 batch (hash)  2 active batches (set)  3 draining batches (set)
-- ARGV 1 batch id  2 'cancelling' | 'expiring' (only once its completion window is over)  3 reason
-- reply: 1, or 0 when it had ended before, is being ended already, or its time is not over
local state = redis.call('HGET', KEYS[1], 'state')
local cancels = ARGV[2] == 'cancelling'
if state ~= 'running' and not (cancels and state == 'stopped') then return 0 end
-- An edited file is taking its answers over: then it is `replaced`.
if redis.call('HEXISTS', KEYS[1], 'sealed') == 1 then return 0 end
if not cancels then
  local time = redis.call('TIME')
  local over = tonumber(redis.call('HGET', KEYS[1], 'expiresAt') or '')
  if not over or time[1] * 1000 + math.floor(time[2] / 1000) < over then return 0 end
end
redis.call('HSET', KEYS[1], 'state', ARGV[2], 'reason', ARGV[3])
redis.call('HDEL', KEYS[1], 'finishedAt', 'pauses', 'braked', 'windowMet')
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('SREM', KEYS[3], ARGV[1])
return 1
