-- Lets a batch that was ended early run again, and takes away the seal of a takeover that came to nothing. What its end
-- has closed is opened again where its files are (ending/open-again.lua).
-- KEYS 1 batch (hash)  2 active batches (set)  3 draining batches (set)
-- ARGV 1 batch id
-- reply: 'running' | 'over' (its completion window is) | 'gone' (it is being purged, or is gone)
local state = redis.call('HGET', KEYS[1], 'state')
if not state or redis.call('HGET', KEYS[1], 'reason') == 'purged' then return 'gone' end
if state == 'expired' or state == 'expiring' then
  local time = redis.call('TIME')
  local over = tonumber(redis.call('HGET', KEYS[1], 'expiresAt') or '')
  if over and over <= time[1] * 1000 + math.floor(time[2] / 1000) then return 'over' end
end
redis.call('HSET', KEYS[1], 'state', 'running')
redis.call('HDEL', KEYS[1], 'reason', 'finishedAt', 'pauses', 'braked', 'outcomes')
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('SREM', KEYS[3], ARGV[1])
return 'running'
