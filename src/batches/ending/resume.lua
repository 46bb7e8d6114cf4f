-- Lets a batch go on that the brake has stopped. What it was stopped for does not stop it again; another code does.
-- KEYS 1 batch (hash)  2 active batches (set)  3 draining batches (set)
-- ARGV 1 batch id
-- reply: 'resumed' | 'not_braked' (the brake has not stopped it, or another batch takes its place)
--        | 'over' (its completion window is: what is open would expire at once)
local raw = redis.call('HGET', KEYS[1], 'braked')
if not raw or redis.call('HGET', KEYS[1], 'state') ~= 'stopped' then return 'not_braked' end
if redis.call('HEXISTS', KEYS[1], 'sealed') == 1 then return 'not_braked' end
local time = redis.call('TIME')
local over = tonumber(redis.call('HGET', KEYS[1], 'expiresAt') or '')
if over and over <= time[1] * 1000 + math.floor(time[2] / 1000) then return 'over' end
local excused = redis.call('HGET', KEYS[1], 'brakeExcused') or ''
redis.call('HSET', KEYS[1], 'state', 'running', 'brakeExcused', excused .. cjson.decode(raw).code .. '\n')
redis.call('HDEL', KEYS[1], 'reason', 'finishedAt', 'pauses', 'braked', 'outcomes')
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('SREM', KEYS[3], ARGV[1])
return 'resumed'
