-- The pace of a queue: pace.ts in Lua, line for line, so that the whole fleet steps one state on Redis's clock.
-- test/integration/pace-twins.test.ts replays the same calls through both. Seconds everywhere; rates per second.
local START_RATE, SEARCH_GROWTH, SEARCH_SLACK, GROWTH = 100, 3, 0.1, 0.03
local LEAST_PATIENCE, MOST_PATIENCE, SLOWEST = 2, 30, 1 / 60
local SHORTEST_CLOSING, CLOSING_GROWTH, LONGEST_CLOSING = 0.2, 3, 10
local WINDOW_RETRY_AFTER, ABSURD_RETRY_AFTER = 2, 120
local BELOW_MEASURED, DEEPEST_CUT = 0.98, 0.7
local OUTAGE_FAILURES, FIRST_PROBE_GAP, PROBE_GAP_GROWTH, LAST_PROBE_GAP = 10, 1, 1.5, 3
local LONGEST_STEP, HINT_LASTS = 1, 60

local max, min, exp = math.max, math.min, math.exp

local function startPace(now)
  return {
    epoch = 0, base = START_RATE, age = 0, at = now, limited = 0, searching = 1, patience = LEAST_PATIENCE,
    next = now, sent = 0, lastLease = now, slowestRefusal = 0, closed = 0, closedAt = now, notBefore = 0, rateAtClosing = START_RATE,
    retryAfter = 0, misses = 0, since = now, admitted = 0, sinceBefore = now, admittedBefore = 0, failures = 0,
    probeGap = FIRST_PROBE_GAP, hint = 0, hintAt = 0, recentCalls = 0, recentRefusals = 0,
  }
end

-- A field that is not there yet is as at the start.
local function loadPace(key, now)
  local state, stored = startPace(now), redis.call('HGETALL', key)
  for i = 1, #stored, 2 do
    if state[stored[i]] then state[stored[i]] = tonumber(stored[i + 1]) end
  end
  return state
end

local function savePace(key, state)
  local fields = {}
  for name, value in pairs(state) do
    fields[#fields + 1] = name
    fields[#fields + 1] = string.format('%.17g', value)
  end
  redis.call('HSET', key, unpack(fields))
end

local function rateOf(s)
  if s.searching == 1 then return s.base * exp(SEARCH_GROWTH * s.age) end
  local unit = max(s.patience, min(45, 45 / s.base))
  return s.base * exp(GROWTH * (2 ^ min(12, s.age / unit) - 1))
end

local function setBack(s, by)
  s.next, s.notBefore, s.closedAt = s.next - by, s.notBefore - by, s.closedAt - by
  s.since, s.sinceBefore, s.lastLease, s.hintAt = s.since - by, s.sinceBefore - by, s.lastLease - by, s.hintAt - by
end

local function grow(s, now)
  if now < s.at then setBack(s, s.at - now) end
  local passed = max(0, now - s.at)
  local slack = s.searching == 1 and SEARCH_SLACK or 0
  local waited = s.limited == 1 and now <= s.next + slack and s.closed == 0 and s.misses == 0
  if waited then s.age = s.age + min(LONGEST_STEP, passed) end
  local kept = exp(-passed / 60)
  s.recentCalls, s.recentRefusals, s.at = s.recentCalls * kept, s.recentRefusals * kept, now
end

local function startSpan(s, at)
  s.since, s.sinceBefore, s.admitted, s.admittedBefore = at, at, 0, 0
end

local function beginEpoch(s, now)
  s.epoch, s.closed, s.age, s.sent = s.epoch + 1, 0, 0, 0
  s.next = min(max(s.next, now), now + 1 / s.base)
end

local function close(s, r, now)
  local isFirst = s.closed == 0
  s.slowestRefusal = max(r.slowestRefusal, isFirst and 0.9 * s.slowestRefusal or s.slowestRefusal)
  if isFirst then
    s.rateAtClosing, s.closed, s.closedAt, s.retryAfter = rateOf(s), 1, now, 0
    s.notBefore = now
  end
  local closing = max(SHORTEST_CLOSING, s.slowestRefusal + 0.1) * CLOSING_GROWTH ^ s.misses
  s.notBefore = max(s.notBefore, s.closedAt + min(LONGEST_CLOSING, closing))
  if r.retryAfter >= WINDOW_RETRY_AFTER and r.retryAfter <= ABSURD_RETRY_AFTER then
    s.retryAfter = max(s.retryAfter, now + r.retryAfter - s.closedAt)
    s.notBefore = max(s.notBefore, now + r.retryAfter + 0.25)
  end
end

local function newBase(s, admitted, span)
  local isWindow, rate = s.retryAfter > 0, s.rateAtClosing
  if s.searching == 1 and isWindow then return BELOW_MEASURED * admitted / span end
  local least = max(span, 20 / rate, (s.patience - LEAST_PATIENCE) / 3)
  local assumed = rate * (least - span)
  if s.searching == 1 then return 1.4 * (admitted + assumed) / least end
  local base = (isWindow or s.patience > LEAST_PATIENCE) and (BELOW_MEASURED * admitted + assumed) / least
    or min(BELOW_MEASURED * rate, (admitted + assumed) / least)
  return max(DEEPEST_CUT * rate, base)
end

local function measure(s)
  s.admitted = s.admitted + s.sent
  local lasted = s.closedAt - s.since
  local isWithin = s.retryAfter <= lasted
  local span = (isWithin and lasted or s.closedAt - s.sinceBefore) + s.retryAfter
  local admitted = s.admitted + (isWithin and 0 or s.admittedBefore)
  s.base = max(SLOWEST, min(s.rateAtClosing, newBase(s, admitted, span)))
  if s.searching == 1 or lasted >= s.patience then
    s.sinceBefore, s.admittedBefore = s.since, s.admitted
    s.since, s.admitted = s.closedAt + s.retryAfter, 0
  end
  s.patience = s.retryAfter > 0 and min(MOST_PATIENCE, max(LEAST_PATIENCE, span / 2))
    or max(LEAST_PATIENCE, 0.8 * s.patience)
  s.misses, s.searching = 0, 0
end

local function reopen(s, now)
  if s.sent > 0 then measure(s) else s.misses = s.misses + 1 end
  beginEpoch(s, now)
end

local function letThrough(s)
  local admitted = s.admittedBefore + s.admitted
  if s.closedAt - s.since >= WINDOW_RETRY_AFTER and admitted > 0 then
    local span = s.closedAt - s.sinceBefore
    s.base = max(SLOWEST, min(max(s.base, s.rateAtClosing), BELOW_MEASURED * admitted / span))
    s.patience = min(MOST_PATIENCE, max(s.patience, span / 2))
    startSpan(s, s.closedAt)
  end
  s.misses, s.age = 0, 0
end

local function beginOutage(s, now)
  if s.closed == 0 then s.rateAtClosing = rateOf(s) end
  s.notBefore = max(s.closed == 1 and s.notBefore or 0, now + FIRST_PROBE_GAP)
  s.closed, s.closedAt, s.probeGap = 2, now, FIRST_PROBE_GAP
  s.epoch, s.sent = s.epoch + 1, 0
end

local function endOutage(s, now)
  s.failures, s.misses, s.next = 0, 0, now
  s.base = s.searching == 1 and max(START_RATE, s.rateAtClosing / 2) or s.rateAtClosing
  startSpan(s, now)
  beginEpoch(s, now)
end

local function believeHint(s, hint, now)
  s.hint, s.base, s.age, s.searching, s.patience = hint, BELOW_MEASURED * hint, 0, 0, MOST_PATIENCE
  if s.closed > 0 then s.rateAtClosing = s.base end
  s.next = min(s.next, now + 1 / s.base)
end

local function hear(s, hint, now)
  local isLower = s.hint == 0 or hint < s.hint
  if isLower or (hint > s.hint and now - s.hintAt > HINT_LASTS) then believeHint(s, hint, now) end
  if hint == s.hint then s.hintAt = now end
end

local function takeIn(s, r, now)
  local passed, isNow = r.answered + r.otherwise, r.epoch == s.epoch
  s.recentRefusals = s.recentRefusals + r.refused
  s.recentCalls = max(0, s.recentCalls - r.unsent)
  if r.hint > 0 then hear(s, r.hint, now) end
  if s.closed == 2 then
    if isNow and passed + r.refused > 0 then
      endOutage(s, now)
      if r.refused > 0 then close(s, r, now) end
    end
  elseif passed + r.refused > 0 then s.failures = 0
  else s.failures = s.failures + r.fresh end
  if isNow and r.epoch == s.epoch then
    s.sent = max(0, s.sent - r.refused - r.unsent)
    if r.refused > 0 then close(s, r, now)
    elseif s.misses > 0 and s.closed == 0 and passed + r.failed > 0 then letThrough(s) end
  end
  if s.failures >= OUTAGE_FAILURES and s.closed ~= 2 then beginOutage(s, now) end
end

local function skipIdleTime(s, first)
  local idle = first - max(s.lastLease, s.next, s.notBefore, s.since)
  if idle > LONGEST_STEP then s.since, s.sinceBefore = s.since + idle, s.sinceBefore + idle end
end

local function isProbeThrough(s, now)
  return s.misses > 0 and s.closed == 0 and s.sent > 0 and now - s.lastLease > max(1, 1.5 * s.slowestRefusal)
end

local function probeOutage(s)
  if s.at < s.notBefore then return 0 end
  s.notBefore = s.at + s.probeGap
  s.probeGap = min(LAST_PROBE_GAP, s.probeGap * PROBE_GAP_GROWTH)
  return 1
end

local function permitsNow(s, want, first, rate, till)
  if s.closed == 1 or want <= 0 then return 0 end
  if s.closed == 2 then return probeOutage(s) end
  if s.misses > 0 then return s.sent > 0 and 0 or 1 end
  if first > till then return 0 end
  return min(want, math.floor((till - first) * rate) + 1)
end

local function waitUntilUseful(s, now, horizon)
  if s.closed > 0 then return max(0, s.notBefore - now) end
  if s.misses > 0 then return 0.1 end
  return max(0, s.next - horizon / 2 - now)
end

-- report may be nil. Gives permits, seconds until the first, rate, seconds until asking again is of use.
local function stepPace(s, want, report, now, ceiling, horizon)
  grow(s, now)
  if report then takeIn(s, report, now) end
  if s.closed == 1 and now >= s.notBefore then reopen(s, now) end
  if isProbeThrough(s, now) then letThrough(s) end
  local wished = rateOf(s)
  local rate = min(ceiling, wished)
  local first = s.closed == 2 and now or max(s.next, now)
  local permits = permitsNow(s, want, first, rate, now + horizon)
  local mustWait = permits < want or first + want / rate > now + horizon
  if want > 0 then s.limited = mustWait and wished < ceiling and 1 or 0 end
  if permits > 0 then
    skipIdleTime(s, first)
    s.sent, s.recentCalls = s.sent + permits, s.recentCalls + permits
    s.next, s.lastLease = first + permits / rate, first
  end
  return permits, first - now, rate, waitUntilUseful(s, now, horizon)
end
