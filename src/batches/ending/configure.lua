-- What the command says that works on a batch now, of a batch that Redis knows.
-- KEYS 1 batch (hash)
-- ARGV 1 completion window, ms since it was made ('' none)  2 '1' with the brake, '0' without  3 options (JSON)
--      4 requests, 5 cents that it may take ('' no such budget); one that a person has let it go beyond does not count
-- reply: 1, or 0 when it is unknown
local made = redis.call('HGET', KEYS[1], 'madeAt')
if not made then return 0 end
redis.call('HSET', KEYS[1], 'brake', ARGV[2], 'options', ARGV[3])
local excused = '\n' .. (redis.call('HGET', KEYS[1], 'budgetsExcused') or '')
for name, given in pairs({ maxRequests = ARGV[4], maxCostCents = ARGV[5] }) do
  if given == '' or string.find(excused, '\n' .. name .. ' ' .. given .. '\n', 1, true) then
    redis.call('HDEL', KEYS[1], name)
  else
    redis.call('HSET', KEYS[1], name, given)
  end
end
if ARGV[1] == '' then
  redis.call('HDEL', KEYS[1], 'expiresAt')
  return 1
end
local expiresAt = tonumber(made) + tonumber(ARGV[1])
local time = redis.call('TIME')
local isOver = expiresAt <= time[1] * 1000 + math.floor(time[2] / 1000)
-- It was completed, and runs again for what was retried: a window that is over would end that before it begins.
if isOver and redis.call('HEXISTS', KEYS[1], 'windowMet') == 1 then
  redis.call('HDEL', KEYS[1], 'expiresAt')
else
  redis.call('HSET', KEYS[1], 'expiresAt', expiresAt)
  redis.call('HDEL', KEYS[1], 'windowMet')
end
return 1
