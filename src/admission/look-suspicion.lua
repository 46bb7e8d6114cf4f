-- What has become of a suspicion, and what those who were suspected may change.
-- suspicion.lua stands before this.
-- KEYS 1 gate (hash)
-- ARGV 1 'look' | 'probe' (the balance was looked at: another request may go) | 'clear' (it is the request, not the account)
--      2 epoch of the suspicion
-- reply: 'pending' | 'cleared' | 'emptied' | 'void' (nothing was found out), ms since a probe was last out, wanted, or
--        held up by the pace, ms since it began, its epoch (these for 'pending')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local gate, action, epoch = KEYS[1], ARGV[1], tonumber(ARGV[2])
-- Suspects come back every few seconds: when none did for so long, nobody was at work.
local AWAY_MS = 15000
-- A Redis that is full takes no write that needs memory, unless one that needs none came first.
redis.call('HDEL', gate, '-')
local suspicion = readSuspicion(gate)
if suspicion and suspicion.epoch == epoch then
  if action == 'probe' and redis.call('HDEL', gate, 'looking') == 1 then
    redis.call('HSET', gate, 'probeUntil', 0, 'suspectBusy', now)
  elseif action == 'clear' then
    endSuspicion(gate, suspicion, 'cleared')
    -- An incident ends with a success only while one call at a time goes.
    redis.call('HSET', gate, 'probing', suspicion.afterLift and 1 or 0, 'probeUntil', 0)
    suspicion = nil
  end
end
-- A later one concerns this request too: it may show that the account is empty.
if suspicion then
  local fields = redis.call('HMGET', gate, 'suspectBusy', 'suspectSeen')
  local busy, seen = tonumber(fields[1] or suspicion.since), tonumber(fields[2] or suspicion.since)
  redis.call('HSET', gate, 'suspectSeen', now)
  -- The first that comes back: others need a moment to come.
  if now - seen > AWAY_MS then
    busy = now
    redis.call('HSET', gate, 'suspectBusy', now)
  end
  return { 'pending', now - busy, now - suspicion.since, suspicion.epoch }
end
local ends = redis.call('HMGET', gate, 'emptied', 'cleared')
if tonumber(ends[1] or '-1') >= epoch then return { 'emptied', 0, 0, 0 } end
if tonumber(ends[2] or '-1') >= epoch then return { 'cleared', 0, 0, 0 } end
return { 'void', 0, 0, 0 }
