-- Looks after the incident that is open: reminds of it when it is time, those missed while nothing ran being one; and
-- ends one that was lifted when nothing waits any more. incident.lua stands before this.
-- KEYS 1-5 of the incident (incident.lua)
-- ARGV after how long reminders are due, in ms since the first hold for a reason that is new; the last one repeats
-- reply: 'reminded' | 'resolved' | 'nothing'
local at = incidentKeys(1)
local incident = readIncident(at)
if not incident then return 'nothing' end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- A Redis that is full takes no write that needs memory, unless one that needs none came first.
redis.call('HDEL', at.outbox, '-')
if resolveIfNothingWaits(at, now) then return 'resolved' end

-- Nobody need do anything about a daily quota, and who paused by hand knows of it.
local needsSomebody = false
for _, hold in ipairs(incident.holds) do
  local concerns = hold.reason ~= 'person' and hold.reason ~= 'daily_quota'
  needsSomebody = needsSomebody or concerns and hold.liftedAt == cjson.null
end
if not needsSomebody or nothingWaits(at) then return 'nothing' end

-- The last one that is due by now.
local elapsed, due = now - incident.remindersFrom, 0
for i, text in ipairs(ARGV) do
  local after = tonumber(text)
  if i == #ARGV and after > 0 then after = math.max(after, math.floor(elapsed / after) * after) end
  if after <= elapsed then due = math.max(due, after) end
end
local isTold = incident.remindedAt ~= cjson.null and incident.remindedAt >= incident.remindersFrom + due
-- It was told of as one that needs nobody.
local isNews = incident.reason == 'daily_quota' and incident.remindedAt == cjson.null and #ARGV > 0
if not isNews and (due == 0 or isTold) then return 'nothing' end
incident.reminders, incident.remindedAt = incident.reminders + 1, now
saveIncident(at, incident)
tellOfIncident(at, incident, 'reminder', incident.id .. '-reminder-' .. incident.reminders)
return 'reminded'
