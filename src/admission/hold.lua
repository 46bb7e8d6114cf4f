-- Places a hold on a queue's gate. The first hold of trouble with Conduit opens an incident and puts its
-- alert into the outbox in the same step, so a crash can't separate the two.
-- KEYS 1 gate (hash)  2 incident (string, JSON)  3 outbox (hash)
-- ARGV 1 reason  2 hold (JSON without since/until)  3 epoch the refused call was sent in ('' for a person)
--      4 incident id to use if one opens ('' opens none)  5 Retry-After in ms (0 none)
--      6 who has no room, for a hold for storage ('' none): it lifts when none of them is left
-- reply: 'placed' | 'joined' (already held for it) | 'stale' (the call was sent before the last opening)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reason, sentEpoch = ARGV[1], ARGV[3]
local epoch = tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0')
if sentEpoch ~= '' and tonumber(sentEpoch) < epoch then return 'stale' end
-- A Redis that is full takes no write that needs memory, unless one that needs none came first.
redis.call('HDEL', KEYS[1], '-')
local hold = cjson.decode(ARGV[2])
if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'storage:' .. ARGV[6], 1) end
if reason == 'credentials' and hold.keyFingerprint ~= cjson.null then
  -- Every key that was refused, so that processes with different keys don't open the gate for each other in turns.
  local refused = redis.call('HGET', KEYS[1], 'refusedKeys') or ''
  if not string.find(refused, hold.keyFingerprint, 1, true) then
    redis.call('HSET', KEYS[1], 'refusedKeys', refused .. ' ' .. hold.keyFingerprint)
  end
end
if redis.call('HEXISTS', KEYS[1], 'hold:' .. reason) == 1 then return 'joined' end

local raw = redis.call('GET', KEYS[2])
local incident = raw and cjson.decode(raw)
-- A person who pauses while an incident waits for its probe is no failed probe.
local probeFailed = ARGV[4] ~= '' and incident and incident.liftedAt ~= cjson.null
if probeFailed then
  incident.failedProbes = incident.failedProbes + 1
  incident.liftedAt, incident.liftedBy = cjson.null, cjson.null
end

hold.since, hold['until'] = now, cjson.null
if reason == 'daily_quota' then
  -- Conduit: the daily quota resets at midnight UTC. Five seconds for clocks that differ.
  local midnight = (math.floor(now / 86400000) + 1) * 86400000 + 5000
  hold['until'] = math.max(midnight, now + tonumber(ARGV[5]))
elseif reason == 'spending_limit' then
  -- One probe after 1 min, doubling to 1 h: the limit may lift by itself, a day or a month later.
  local failed = incident and incident.failedProbes or 0
  hold['until'] = now + math.min(3600000, 60000 * 2 ^ math.min(failed, 10))
end

if redis.call('HINCRBY', KEYS[1], 'holds', 1) == 1 and not probeFailed then
  redis.call('HINCRBY', KEYS[1], 'pauses', 1)
end
redis.call('HSET', KEYS[1], 'hold:' .. reason, cjson.encode(hold), 'probing', 0, 'probeUntil', 0)

if not incident and ARGV[4] ~= '' then
  incident = {
    id = ARGV[4], queue = hold.queue, reason = reason, code = hold.code, message = hold.message,
    requestId = hold.requestId, openedAt = now, liftedAt = cjson.null, liftedBy = cjson.null,
    resolvedAt = cjson.null, failedProbes = 0,
  }
  redis.call('HSET', KEYS[3], incident.id .. '-opened', cjson.encode({ type = 'incident.opened', incident = incident }))
end
if incident then redis.call('SET', KEYS[2], cjson.encode(incident)) end
return 'placed'
