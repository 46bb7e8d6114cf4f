-- Takes in what came of earlier permits and hands out the next ones: the one place where gate and pace meet.
-- pace/pace.lua, incident.lua and suspicion.lua stand before this: what the pace does, and what becomes of incidents and
-- suspicions, is there.
-- KEYS 1 gate (hash)  2 pace (hash)  3-7 of the incident (incident.lua)
-- ARGV 1 permits wanted  2 longest a probe may take, ms  3 highest rate per second
--      4 ms of pace that are handed out at once  5 1: holds that time ends are lifted, 0: a person does; and with a report:
--      6 gate epoch  7 pace epoch  of the calls reported
--      8 answered  9 refused (429)  10 answered otherwise  11 failed (5xx, no connection)
--      12 first failures of their requests  13 not sent  14 longest Retry-After ms (-1000 none)
--      15 slowest refusal ms  16 limit that headers told, per minute (0 none)
-- reply: state ('open' | 'probing' | 'held'), then as strings: pace (0 open, 1 closed, 2 outage), permits,
--        ms until the first, rate per second, gate epoch, pace epoch, ms until asking again is of use
-- A Redis that is full takes no write that needs memory, unless one that needs none came first.
redis.call('HDEL', KEYS[1], '-')
local time = redis.call('TIME')
local seconds = time[1] + time[2] / 1e6
local now = seconds * 1000
local a = {}
for i = 1, #ARGV do a[i] = tonumber(ARGV[i]) end
local want = a[1]
local report = a[6] and {
  gateEpoch = a[6], epoch = a[7], answered = a[8], refused = a[9], otherwise = a[10], failed = a[11], fresh = a[12],
  unsent = a[13], retryAfter = a[14] / 1000, slowestRefusal = a[15] / 1000, hint = a[16] / 60,
}

local gate = redis.call('HMGET', KEYS[1], 'epoch', 'holds', 'probing', 'probeUntil', 'suspicion')
local epoch, holds = tonumber(gate[1] or '0'), tonumber(gate[2] or '0')
local probing, probeUntil = gate[3] == '1', tonumber(gate[4] or '0')
local suspicion = gate[5] and cjson.decode(gate[5])
local at = incidentKeys(3)

-- 1. What came of the calls: the probe's end, and the incident's with the first success.
if probing and report and report.gateEpoch == epoch then
  if report.answered > 0 then
    probing = false
    redis.call('HSET', KEYS[1], 'probing', 0, 'probeUntil', 0)
    redis.call('HDEL', KEYS[1], 'refusedKeys')
    if suspicion then endSuspicion(KEYS[1], suspicion, 'cleared') end
    local incident = readIncident(at)
    if incident then resolveIncident(at, incident, 'success', math.floor(now)) end
  elseif report.refused + report.otherwise + report.failed + report.unsent > 0 then
    probeUntil = 0
    redis.call('HSET', KEYS[1], 'probeUntil', 0)
  end
end

-- 2. Holds that time alone ends.
if holds > 0 and a[5] == 1 then
  local fields, ended, lifted = redis.call('HGETALL', KEYS[1]), {}, 0
  for i = 1, #fields, 2 do
    local hold = string.match(fields[i], '^hold:') and cjson.decode(fields[i + 1])
    if hold and hold['until'] ~= cjson.null and hold['until'] <= now then
      redis.call('HDEL', KEYS[1], fields[i])
      lifted, ended[hold.reason] = lifted + 1, true
    end
  end
  holds = holds - lifted
  if lifted > 0 then redis.call('HSET', KEYS[1], 'holds', holds) end
  if holds == 0 then
    epoch, probing, probeUntil = epoch + 1, true, 0
    redis.call('HSET', KEYS[1], 'epoch', epoch, 'probing', 1, 'probeUntil', 0)
  end
  if lifted > 0 then liftIncident(at, ended, holds, 'time', cjson.null, math.floor(now)) end
end

-- 3. The lease.
local state = holds > 0 and 'held' or probing and 'probing' or 'open'
if state == 'held' then want = 0 end
if state == 'probing' then want = probeUntil <= now and math.min(want, 1) or 0 end
local pace = loadPace(KEYS[2], seconds)
local permits, firstIn, rate, wait = stepPace(pace, want, report, seconds, a[3], a[4] / 1000)
savePace(KEYS[2], pace)
redis.call('HSET', KEYS[2], 'rate', string.format('%.6g', rate))
if state == 'probing' then
  if permits > 0 then
    probeUntil = math.floor(now + a[2])
    redis.call('HSET', KEYS[1], 'probeUntil', probeUntil)
  end
  if suspicion then
    if permits > 0 then redis.call('HDEL', KEYS[1], 'looking') end
    -- Somebody is there to find out, or would be if the pace let it go.
    if a[1] > 0 or probeUntil > now or pace.closed ~= 0 then
      redis.call('HSET', KEYS[1], 'suspectBusy', math.floor(now))
    end
  end
  -- Until the probe has ended; whoever sent it asks again at once then.
  wait = math.max(wait, math.min(500, probeUntil - now) / 1000)
end
if state == 'held' then wait = 0.5 end
local function text(number) return string.format('%.17g', number) end
return { state, text(pace.closed), text(permits), text(firstIn * 1000), text(rate), text(epoch), text(pace.epoch),
  text(wait * 1000) }
