-- A suspicion: a call was refused with 402, and nobody knows yet whether the account is empty or only that request costs
-- more than is left. Until another request tells, one call is out at a time, and nothing is held. This stands before
-- hold.lua, lease.lua and look-suspicion.lua.
-- Fields of the gate: `suspicion` (JSON: epoch, since, refused probes, hold: the first evidence, afterLift: an incident
-- waits for a success), `looking` (the balance
-- is being asked: no probe before), `suspectBusy` (when a probe was last out, or wanted, or the pace let none go), `suspectSeen`
-- (when a suspect last came back), and of
-- suspicions that are over the last epochs: `cleared` (another was answered), `emptied` (it became a hold).
-- With these fields gone, nothing waits: whoever was suspected just goes again.
local MOST_REFUSED_PROBES = 5

local function readSuspicion(gate)
  local raw = redis.call('HGET', gate, 'suspicion')
  return raw and cjson.decode(raw) or nil
end

local function writeSuspicion(gate, suspicion)
  redis.call('HSET', gate, 'suspicion', cjson.encode(suspicion))
end

-- A new epoch, one call at a time. For `lookMs` none goes at all, unless whoever looks at the balance is done sooner.
local function beginSuspicion(gate, epoch, now, hold, lookMs, afterLift)
  writeSuspicion(gate, { epoch = epoch, since = now, refused = 0, hold = hold, afterLift = afterLift })
  redis.call('HSET', gate, 'epoch', epoch, 'probing', 1, 'probeUntil', now + lookMs, 'suspectBusy', now,
    'suspectSeen', now)
  if lookMs > 0 then redis.call('HSET', gate, 'looking', 1) end
end

-- outcome: 'cleared' | 'emptied' | nil (something else stopped the queue: nothing was found out)
local function endSuspicion(gate, suspicion, outcome)
  redis.call('HDEL', gate, 'suspicion', 'looking', 'suspectBusy', 'suspectSeen')
  if outcome then redis.call('HSET', gate, outcome, suspicion.epoch) end
end

-- A 402 of a call that was sent in epoch `sent`, while the gate is in `epoch`; `waits`: an incident is open.
-- size: 'usual' (as large ones were answered) | 'far_larger' (than all that were) | '' (neither)
-- reply: what it makes of it: 'suspected' and the epoch of the suspicion; 'stale'; 'empty' and the evidence; or 'hold':
-- this refusal holds the gate as any other does
local function suspect(gate, sent, epoch, now, hold, size, lookMs, waits)
  local suspicion = readSuspicion(gate)
  if sent < epoch then
    -- Out together with the first suspect: what is found out about that one counts for it too.
    local ends = redis.call('HMGET', gate, 'cleared', 'emptied', 'hold:credits')
    if sent ~= epoch - 1 then return 'stale' end
    if suspicion or tonumber(ends[1] or '-1') == epoch then return 'suspected', epoch end
    return tonumber(ends[2] or '-1') == epoch and ends[3] and 'hold' or 'stale'
  end
  if suspicion then
    suspicion.refused = suspicion.refused + 1
    -- A probe that is no larger than what was answered before: it is not the request.
    if size == 'usual' or suspicion.refused >= MOST_REFUSED_PROBES then
      endSuspicion(gate, suspicion, 'emptied')
      return 'empty', suspicion.hold
    end
    writeSuspicion(gate, suspicion)
    return 'suspected', epoch
  end
  local fields = redis.call('HMGET', gate, 'probing', 'holds')
  if tonumber(fields[2] or '0') > 0 then return 'hold' end
  -- A probe after a lift: what was lifted was not over. One that is far larger than all others may only be too dear itself.
  if fields[1] == '1' and waits and size ~= 'far_larger' then return 'hold' end
  beginSuspicion(gate, epoch + 1, now, hold, lookMs, waits)
  return 'suspected', epoch + 1
end
