-- Incidents, for the scripts of the gate: what opens, lifts and ends one is here, once. An incident goes from the first
-- hold for trouble to the first success after the last of its holds was lifted, or until nothing waits any more.
-- `at` has the names of its keys (incidents.ts): incident (string, JSON), outbox (hash), past (list), active batches (set),
-- inbox (hash). A Redis that is full takes these writes only after one that needs no memory: that is the caller's to make.
local INCIDENTS = { past = 200, holds = 100, null = cjson.null }

-- The names of its keys, which stand together from `first` on.
local function incidentKeys(first)
  return {
    incident = KEYS[first], outbox = KEYS[first + 1], past = KEYS[first + 2],
    active = KEYS[first + 3], inbox = KEYS[first + 4],
  }
end

-- The one that is open; nil when there is none.
local function readIncident(at)
  local raw = redis.call('GET', at.incident)
  return raw and cjson.decode(raw) or nil
end

local function saveIncident(at, incident)
  redis.call('SET', at.incident, cjson.encode(incident))
end

local function tellOfIncident(at, incident, what, id)
  redis.call('HSET', at.outbox, id, cjson.encode({ type = 'incident.' .. what, incident = incident }))
end

-- No batch is active, and every single request has ended: nobody waits for the end of an incident.
local function nothingWaits(at)
  if redis.call('SCARD', at.active) > 0 then return false end
  local inbox = redis.call('HMGET', at.inbox, 'total', 'completed', 'failed')
  return tonumber(inbox[1] or '0') <= tonumber(inbox[2] or '0') + tonumber(inbox[3] or '0')
end

-- Notes a hold as one of the incident's; of very many the first stays, and the last ones.
local function joinIncident(incident, hold)
  incident.holds[#incident.holds + 1] = {
    reason = hold.reason, code = hold.code, message = hold.message, requestId = hold.requestId, by = hold.by,
    since = hold.since, liftedAt = INCIDENTS.null, liftedBy = INCIDENTS.null, liftedWho = INCIDENTS.null,
  }
  for i = 2, #incident.holds do
    if #incident.holds <= INCIDENTS.holds then return end
    if incident.holds[i].liftedAt ~= INCIDENTS.null then return table.remove(incident.holds, i) end
  end
end

-- Opens an incident on a hold, and puts its alert into the outbox in the same step.
-- `others`: holds that are there already, of a person who paused.
local function openIncident(at, id, hold, others)
  local null = INCIDENTS.null
  local incident = {
    id = id, queue = hold.queue, reason = hold.reason, code = hold.code, message = hold.message,
    requestId = hold.requestId, openedAt = hold.since, liftedAt = null, liftedBy = null, resolvedAt = null,
    resolvedBy = null, failedProbes = 0, holds = {}, waiting = null, costToFinishCents = null,
    reminders = 0, remindersFrom = hold.since, remindedAt = null,
  }
  for _, other in ipairs(others) do joinIncident(incident, other) end
  joinIncident(incident, hold)
  saveIncident(at, incident)
  tellOfIncident(at, incident, 'opened', id .. '-opened')
end

-- A further hold of an incident that is open: a probe that failed, or another reason, from which on reminders count anew.
local function continueIncident(at, incident, hold)
  local isNew = hold.reason ~= 'person'
  for _, earlier in ipairs(incident.holds) do isNew = isNew and earlier.reason ~= hold.reason end
  if isNew then incident.remindersFrom = hold.since end
  joinIncident(incident, hold)
  saveIncident(at, incident)
end

-- Into the past, with the all-clear in the same step. `by`: 'success' | 'nothing_waits'
local function resolveIncident(at, incident, by, now)
  incident.resolvedAt, incident.resolvedBy = now, by
  redis.call('LPUSH', at.past, cjson.encode(incident))
  redis.call('LTRIM', at.past, 0, INCIDENTS.past - 1)
  redis.call('DEL', at.incident)
  tellOfIncident(at, incident, 'resolved', incident.id .. '-resolved')
end

-- Holds of these reasons (a set) were lifted. With the last one an incident waits for a success, and is over where
-- nothing is there that could bring one. `who`: the name of a person, cjson.null else
local function liftIncident(at, reasons, left, by, who, now)
  local incident = readIncident(at)
  if not incident then return end
  for _, hold in ipairs(incident.holds) do
    if reasons[hold.reason] and hold.liftedAt == INCIDENTS.null then
      hold.liftedAt, hold.liftedBy, hold.liftedWho = now, by, who
    end
  end
  if left == 0 then
    incident.liftedAt, incident.liftedBy = now, by
    if nothingWaits(at) then return resolveIncident(at, incident, 'nothing_waits', now) end
  end
  saveIncident(at, incident)
end

-- One that was lifted is over when nothing waits any more, even if no call succeeded since (the last requests were all
-- refused for what they are). Gives whether it was.
local function resolveIfNothingWaits(at, now)
  local incident = readIncident(at)
  if not incident or incident.liftedAt == INCIDENTS.null or not nothingWaits(at) then return false end
  resolveIncident(at, incident, 'nothing_waits', now)
  return true
end
