-- Notes what waited when an incident's alert was made, and about what that will cost: once, of the incident that is open,
-- or of one that is over meanwhile. A cost that nobody could tell then may follow. incident.lua stands before this.
-- KEYS 1-5 of the incident (incident.lua)
-- ARGV 1 incident id  2 requests  3 cents ('' nobody can tell)
-- reply: 1 when it was noted
local NEWEST = 20
local at = incidentKeys(1)
local function note(incident)
  if incident.id ~= ARGV[1] or incident.costToFinishCents ~= cjson.null then return false end
  local cost, isNew = tonumber(ARGV[3]), incident.waiting == cjson.null
  if isNew then incident.waiting = tonumber(ARGV[2]) end
  incident.costToFinishCents = cost or cjson.null
  return isNew or cost ~= nil
end
-- A Redis that is full takes no write that needs memory, unless one that needs none came first.
redis.call('HDEL', at.outbox, '-')
local open = readIncident(at)
if open and note(open) then
  saveIncident(at, open)
  return 1
end
for i, raw in ipairs(redis.call('LRANGE', at.past, 0, NEWEST - 1)) do
  local past = cjson.decode(raw)
  if note(past) then
    redis.call('LSET', at.past, i - 1, cjson.encode(past))
    return 1
  end
end
return 0
