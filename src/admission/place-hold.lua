-- Places a hold, for scripts that decide on one: incident.lua stands before this.
-- gate: name of its hash  at: keys of the incident  hold: { queue, reason, by, code, message, requestId, keyFingerprint }
-- id: of the incident, if one opens ('' for a person's hold, which opens none)  retryAfter, now: ms
-- Gives 'placed' | 'joined' (already held for it).
local function placeHold(gate, at, hold, id, retryAfter, now)
  if redis.call('HEXISTS', gate, 'hold:' .. hold.reason) == 1 then return 'joined' end
  local incident = readIncident(at)
  -- A person who pauses while an incident waits for its probe is no failed probe.
  local probeFailed = id ~= '' and incident and incident.liftedAt ~= cjson.null
  if probeFailed then
    incident.failedProbes = incident.failedProbes + 1
    incident.liftedAt, incident.liftedBy = cjson.null, cjson.null
  end

  hold.since, hold['until'] = now, cjson.null
  if hold.reason == 'daily_quota' then
    -- Conduit: the daily quota resets at midnight UTC. Five seconds for clocks that differ.
    local midnight = (math.floor(now / 86400000) + 1) * 86400000 + 5000
    hold['until'] = math.max(midnight, now + retryAfter)
  elseif hold.reason == 'spending_limit' then
    -- One probe after 1 min, doubling to 1 h: the limit may lift by itself, a day or a month later.
    local failed = incident and incident.failedProbes or 0
    hold['until'] = now + math.min(3600000, 60000 * 2 ^ math.min(failed, 10))
  end

  if redis.call('HINCRBY', gate, 'holds', 1) == 1 and not probeFailed then redis.call('HINCRBY', gate, 'pauses', 1) end
  if incident then
    continueIncident(at, incident, hold)
  elseif id ~= '' then
    local paused = redis.call('HGET', gate, 'hold:person')
    openIncident(at, id, hold, paused and { cjson.decode(paused) } or {})
  end
  redis.call('HSET', gate, 'hold:' .. hold.reason, cjson.encode(hold), 'probing', 0, 'probeUntil', 0)
  return 'placed'
end
