-- Lets a batch go on that the brake has stopped, or that has used a budget up. What it was stopped for does not stop it
-- again, though the command says it once more; another code, another budget does.
-- KEYS 1 batch (hash)  2 active batches (set)  3 draining batches (set)
-- ARGV 1 batch id  2 requests, 3 cents that it may take from now on, what it took before included ('' none is named)
-- reply: 'resumed' | 'not_braked' (neither has stopped it, or another batch takes its place)
--        | 'over' (its completion window is: what is open would expire at once)
--        | 'too_little' (the budget that is named is no larger than the one that it has used up)
local raw = redis.call('HGET', KEYS[1], 'braked')
if not raw or redis.call('HGET', KEYS[1], 'state') ~= 'stopped' then return 'not_braked' end
if redis.call('HEXISTS', KEYS[1], 'sealed') == 1 then return 'not_braked' end
local time = redis.call('TIME')
local over = tonumber(redis.call('HGET', KEYS[1], 'expiresAt') or '')
if over and over <= time[1] * 1000 + math.floor(time[2] / 1000) then return 'over' end

local mark = cjson.decode(raw)
if mark.kind == 'budget' then
  local name = mark.budget == 'requests' and 'maxRequests' or 'maxCostCents'
  local given = mark.budget == 'requests' and ARGV[2] or ARGV[3]
  if given ~= '' and tonumber(given) <= mark.limit then return 'too_little' end
  local excused = redis.call('HGET', KEYS[1], 'budgetsExcused') or ''
  local was = redis.call('HGET', KEYS[1], name)
  if was then redis.call('HSET', KEYS[1], 'budgetsExcused', excused .. name .. ' ' .. was .. '\n') end
  redis.call('HDEL', KEYS[1], name)
else
  local excused = redis.call('HGET', KEYS[1], 'brakeExcused') or ''
  redis.call('HSET', KEYS[1], 'brakeExcused', excused .. mark.code .. '\n')
end
for name, given in pairs({ maxRequests = ARGV[2], maxCostCents = ARGV[3] }) do
  if given ~= '' then redis.call('HSET', KEYS[1], name, given) end
end
redis.call('HSET', KEYS[1], 'state', 'running')
redis.call('HDEL', KEYS[1], 'reason', 'finishedAt', 'pauses', 'braked', 'outcomes')
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('SREM', KEYS[3], ARGV[1])
return 'resumed'
