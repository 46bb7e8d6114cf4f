-- Steps the pace once, on a state and a clock that the test gives. Stands behind src/admission/pace/pace.lua.
-- KEYS 1 pace (hash)  ARGV 1 JSON: state (none: as it is stored), want, report (none), now, ceiling, horizon
-- reply: permits, firstIn, rate, wait, then the fields of the stored state and their values
local ask = cjson.decode(ARGV[1])
if ask.state then
  redis.call('DEL', KEYS[1])
  savePace(KEYS[1], ask.state)
end
local state = loadPace(KEYS[1], ask.now)
local lease = { stepPace(state, ask.want, ask.report, ask.now, ask.ceiling, ask.horizon) }
savePace(KEYS[1], state)
for i = 1, 4 do lease[i] = string.format('%.17g', lease[i]) end
for _, text in ipairs(redis.call('HGETALL', KEYS[1])) do lease[#lease + 1] = text end
return lease
