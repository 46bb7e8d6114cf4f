-- Lifts one hold, or every hold. When none is left the gate opens: a new epoch, and one call at a time
-- until one succeeds. incident.lua stands before this.
-- KEYS 1 gate (hash)  2-6 of the incident (incident.lua)
-- ARGV 1 reason ('*' every)  2 by whom (LiftedBy)
--      3 who has room again ('' does not matter): the hold for storage stays while others have none
--      4 name of the person ('' none)  5 the hold's `since`: only that one is lifted, and none placed later ('' any)
-- reply: number of holds lifted, number left
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- A Redis that is full takes no write that needs memory, unless one that needs none came first.
redis.call('HDEL', KEYS[1], ARGV[3] == '' and '-' or 'storage:' .. ARGV[3])
if ARGV[1] == '*' or ARGV[1] == 'storage' then
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.match(field, '^storage:') then
      if ARGV[3] ~= '' then return { 0, tonumber(redis.call('HGET', KEYS[1], 'holds') or '0') } end
      redis.call('HDEL', KEYS[1], field)
    end
  end
end
local lifted, reasons = 0, {}
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  local reason = string.match(field, '^hold:(.+)$')
  local isMeant = reason and (ARGV[1] == '*' or ARGV[1] == reason)
  if isMeant and (ARGV[5] == '' or cjson.decode(redis.call('HGET', KEYS[1], field)).since == tonumber(ARGV[5])) then
    lifted, reasons[reason] = lifted + redis.call('HDEL', KEYS[1], field), true
  end
end
local left = tonumber(redis.call('HGET', KEYS[1], 'holds') or '0') - lifted
if lifted == 0 then return { 0, left } end
-- A person may know that a refused key is valid again.
if ARGV[2] == 'person' then redis.call('HDEL', KEYS[1], 'refusedKeys') end
redis.call('HSET', KEYS[1], 'holds', left)
if left == 0 then
  redis.call('HINCRBY', KEYS[1], 'epoch', 1)
  redis.call('HSET', KEYS[1], 'probing', 1, 'probeUntil', 0)
end
liftIncident(incidentKeys(2), reasons, left, ARGV[2], ARGV[4] ~= '' and ARGV[4] or cjson.null, now)
return { lifted, left }
