-- Places a hold on a queue's gate. The first hold of trouble with Conduit opens an incident and puts its
-- alert into the outbox in the same step, so a crash can't separate the two.
-- incident.lua, place-hold.lua and suspicion.lua stand before this: what a hold does, and a 402 of one request, is there.
-- KEYS 1 gate (hash)  2-6 of the incident (incident.lua)
-- ARGV 1 hold (JSON without since/until)  2 epoch the refused call was sent in ('' for a person)
--      3 incident id to use if one opens ('' opens none)  4 Retry-After in ms (0 none)
--      5 who has no room, for a hold for storage ('' none): it lifts when none of them is left
--      6 '' | 'suspect' (a 402: it may be the request and not the account) | 'confirm' (the suspicion of epoch 2 is
--      right: its own evidence counts)  7 its size: 'usual' | 'far_larger' | '' (suspicion.lua)
--      8 ms for a look at the balance before a probe goes
-- reply: 'placed' | 'joined' (already held for it) | 'stale' (the call was sent before the last opening)
--        | 'suspected', epoch of the suspicion
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch = tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0')
local how, suspicion = ARGV[6], readSuspicion(KEYS[1])
if ARGV[2] ~= '' and how ~= 'suspect' and tonumber(ARGV[2]) < epoch then return 'stale' end
if how == 'confirm' and not (suspicion and suspicion.epoch == tonumber(ARGV[2])) then return 'stale' end
-- A Redis that is full takes no write that needs memory, unless one that needs none came first.
redis.call('HDEL', KEYS[1], '-')
local hold = cjson.decode(ARGV[1])
if how == 'suspect' then
  local found, what = suspect(KEYS[1], tonumber(ARGV[2]), epoch, now, hold, ARGV[7], tonumber(ARGV[8]),
    readIncident(incidentKeys(2)) ~= nil)
  if found == 'stale' then return 'stale' end
  if found == 'suspected' then return { 'suspected', what } end
  if found == 'empty' then hold = what end
elseif how == 'confirm' then
  hold = suspicion.hold
  endSuspicion(KEYS[1], suspicion, 'emptied')
end
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'storage:' .. ARGV[5], 1) end
if hold.reason == 'credentials' and hold.keyFingerprint ~= cjson.null then
  -- Every key that was refused, so that processes with different keys don't open the gate for each other in turns.
  local refused = redis.call('HGET', KEYS[1], 'refusedKeys') or ''
  if not string.find(refused, hold.keyFingerprint, 1, true) then
    redis.call('HSET', KEYS[1], 'refusedKeys', refused .. ' ' .. hold.keyFingerprint)
  end
end
local placed = placeHold(KEYS[1], incidentKeys(2), hold, ARGV[3], tonumber(ARGV[4]), now)
-- Held for another reason: whether the account is empty shows when that is lifted.
if how == '' and placed == 'placed' and suspicion then endSuspicion(KEYS[1], suspicion, nil) end
return placed
