-- Takes in what came of earlier permits and hands out the next ones: the one place where gate and pace meet.
-- The pace is a rate that is cut once for each closing and grows otherwise, fast until the first refusal, as long
-- as it is what calls wait for; it is the same for the whole fleet.
-- KEYS 1 gate (hash)  2 pace (hash)  3 incident (string, JSON)  4 outbox (hash)  5 past incidents (list)
-- ARGV 1 permits wanted  2 gate epoch  3 pace epoch  of the calls reported
--      4 calls answered  5 calls refused (429)  6 calls that ended otherwise  7 longest Retry-After ms (-1 none)
--      8 longest a probe may take, ms  9 highest rate per second
-- reply: state ('open' | 'probing' | 'held'), permits, us until the first, us between two,
--        gate epoch, pace epoch, ms until asking again is of use, rate per second (string)
local START, FLOOR, CUT = 100, 0.5, 0.7 -- per second
local FIRST_GROWTH, GROWTH = 1, 0.1 -- e^growth per second of age: before the first refusal, and after it
local HORIZON, MIN_CLOSED = 50, 1000 -- ms of pace in one lease; ms closed when no Retry-After says more
local PAST_INCIDENTS = 200

local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local a = {}
for i = 1, 9 do a[i] = tonumber(ARGV[i]) end
local want, answered, refused, otherwise, retryAfter = a[1], a[4], a[5], a[6], a[7]

local gate = redis.call('HMGET', KEYS[1], 'epoch', 'holds', 'probing', 'probeUntil')
local epoch, holds = tonumber(gate[1] or '0'), tonumber(gate[2] or '0')
local probing, probeUntil = gate[3] == '1', tonumber(gate[4] or '0')

-- 1. What came of the calls: the probe's end, and the incident's with the first success.
if probing and a[2] == epoch then
  if answered > 0 then
    probing = false
    redis.call('HSET', KEYS[1], 'probing', 0, 'probeUntil', 0)
    redis.call('HDEL', KEYS[1], 'refusedKeys')
    local raw = redis.call('GET', KEYS[3])
    if raw then
      local incident = cjson.decode(raw)
      incident.resolvedAt = math.floor(now)
      redis.call('LPUSH', KEYS[5], cjson.encode(incident))
      redis.call('LTRIM', KEYS[5], 0, PAST_INCIDENTS - 1)
      redis.call('DEL', KEYS[3])
      redis.call('HSET', KEYS[4], incident.id .. '-resolved',
        cjson.encode({ type = 'incident.resolved', incident = incident }))
    end
  elseif refused + otherwise > 0 then
    probeUntil = 0
    redis.call('HSET', KEYS[1], 'probeUntil', 0)
  end
end

-- 2. The pace: grown since it was last looked at, cut once for each closing.
local p = redis.call('HMGET', KEYS[2], 'rate', 'at', 'next', 'notBefore', 'epoch')
local rate, at = tonumber(p[1] or START), tonumber(p[2] or now)
local nextAt, notBefore, paceEpoch = tonumber(p[3] or now), tonumber(p[4] or '0'), tonumber(p[5] or '0')
if nextAt >= now - HORIZON then
  local growth = paceEpoch == 0 and FIRST_GROWTH or GROWTH
  local age = math.min(10, math.max(0, now - math.max(at, notBefore)) / 1000)
  rate = rate * math.exp(growth * age)
end
if refused > 0 then
  if a[3] == paceEpoch then
    paceEpoch = paceEpoch + 1
    rate = math.max(FLOOR, rate * CUT)
    notBefore = math.max(notBefore, now + MIN_CLOSED)
  end
  -- An absurd Retry-After is believed for a minute at most: then one more 429 tells.
  notBefore = math.max(notBefore, now + math.min(60000, retryAfter))
end

-- Last, for the ceiling may be another than last time, and lower than any cut leaves.
rate = math.min(a[9], rate)

-- 3. Holds that time alone ends.
if holds > 0 then
  local fields = redis.call('HGETALL', KEYS[1])
  for i = 1, #fields, 2 do
    local hold = string.match(fields[i], '^hold:') and cjson.decode(fields[i + 1])
    if hold and hold['until'] ~= cjson.null and hold['until'] <= now then
      redis.call('HDEL', KEYS[1], fields[i])
      holds = holds - 1
    end
  end
  redis.call('HSET', KEYS[1], 'holds', holds)
  if holds == 0 then
    epoch, probing, probeUntil = epoch + 1, true, 0
    redis.call('HSET', KEYS[1], 'epoch', epoch, 'probing', 1, 'probeUntil', 0)
    local raw = redis.call('GET', KEYS[3])
    if raw then
      local incident = cjson.decode(raw)
      incident.liftedAt, incident.liftedBy = math.floor(now), 'time'
      redis.call('SET', KEYS[3], cjson.encode(incident))
    end
  end
end

-- 4. The lease.
local state = holds > 0 and 'held' or probing and 'probing' or 'open'
local permits, wait = 0, 500
local first = math.max(nextAt, now, notBefore)
if state == 'probing' then
  want = probeUntil <= now and math.min(want, 1) or 0
  wait = want > 0 and 0 or math.min(500, probeUntil - now)
end
if state ~= 'held' and want > 0 then
  if first <= now + HORIZON then
    permits = math.min(want, math.floor((now + HORIZON - first) * rate / 1000) + 1)
    nextAt = first + permits * 1000 / rate
    if state == 'probing' then redis.call('HSET', KEYS[1], 'probeUntil', math.floor(now + a[8])) end
    -- Not again for one permit: half a horizon is worth the trip, and still there before it is needed.
    wait = math.max(0, nextAt - HORIZON / 2 - now)
  else
    wait = first - HORIZON / 2 - now
  end
end
redis.call('HSET', KEYS[2], 'rate', string.format('%.6g', rate), 'at', string.format('%.3f', now),
  'next', string.format('%.3f', nextAt), 'notBefore', string.format('%.3f', notBefore), 'epoch', paceEpoch)
return { state, permits, math.floor((first - now) * 1000), math.floor(1e6 / rate), epoch, paceEpoch,
  math.ceil(wait), string.format('%.3f', rate) }
