-- Takes the turn to ask for the balance: one process of the fleet at a time, and no sooner than its poll says. A hold for
-- credits that nobody has looked at yet is looked at at once.
-- KEYS 1 gate (hash)  2 look (hash: token and until of who asks, askedAt, since of the hold it was for, seen:<key>)
-- ARGV 1 token of who asks  2 ms between two looks  3 longest a look may take, ms
--      4 '1': lifts holds by itself  5 fingerprint of the API key
-- reply: false (not now), or since of the hold for credits ('' open), what was seen with this key (JSON, '' nothing)
-- A Redis that is full takes no write that needs memory, unless one that needs none came first.
redis.call('HDEL', KEYS[2], '-')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local look = redis.call('HMGET', KEYS[2], 'until', 'askedAt', 'since', 'seen:' .. ARGV[5])
if tonumber(look[1] or '0') > now then return false end
local held = tonumber(redis.call('HGET', KEYS[1], 'holds') or '0') > 0
local raw = redis.call('HGET', KEYS[1], 'hold:credits')
-- What the balance is does not matter to who may not lift, nor to other holds.
if held and not (raw and ARGV[4] == '1') then return false end
local since = raw and string.format('%.0f', cjson.decode(raw).since) or ''
local isNew = raw and look[3] ~= since
if not isNew and now < tonumber(look[2] or '0') + tonumber(ARGV[2]) then return false end
redis.call('HSET', KEYS[2], 'token', ARGV[1], 'until', now + tonumber(ARGV[3]), 'askedAt', now, 'since', since)
return { since, look[4] or '' }
