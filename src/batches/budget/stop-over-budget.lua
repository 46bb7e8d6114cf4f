-- Stops a batch that has used its budget up, and puts the one alert into the outbox in the same step. Only once nothing
-- of what was fed is open: all that the budget allowed has its end.
-- KEYS 1 lease (string)  2 batch (hash)  3 done (bitmap)  4 retries (sorted set)  5 active batches (set)
--      6 draining batches (set)  7 outbox (hash)
-- ARGV 1 the lease as the caller holds it  2 batch id  3 queue  4 'requests' | 'cost'
--      5 the budget as the batch has it  6 the mark `fed` that the caller saw
--      7 what was used of the budget ('' nobody can tell)  8 reason, a sentence
--      9 '1': the budget came late, and what it does not pay for was taken out of the queue
-- reply: 1, or 0 when the batch does not run, something of it is open, nothing of it is left to call, or its budget or
--        mark are others by now;
--        -1 when a newer holder of the lease has taken over
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local field = ARGV[4] == 'requests' and 'maxRequests' or 'maxCostCents'
local now = redis.call('HMGET', KEYS[2], 'state', field, 'fed', 'sealed', 'total')
if now[1] ~= 'running' or now[2] ~= ARGV[5] or now[3] ~= ARGV[6] or now[4] then return 0 end

local fed = tonumber(ARGV[6])
local bytes = math.floor(fed / 8)
local ended = bytes > 0 and redis.call('BITCOUNT', KEYS[3], 0, bytes - 1) or 0
for index = bytes * 8, fed - 1 do ended = ended + redis.call('GETBIT', KEYS[3], index) end
-- Retries wait for money too; those of a batch that counts requests are free, and go first.
local held = ARGV[4] == 'cost' and redis.call('ZCARD', KEYS[4]) or 0
if ARGV[9] ~= '1' and fed - ended > held then return 0 end
-- The last request just ended: it is whole, and only its files are not yet.
if ended >= tonumber(now[5] or '0') then return 0 end

local time = redis.call('TIME')
local at = time[1] * 1000 + math.floor(time[2] / 1000)
local used = ARGV[7] ~= '' and tonumber(ARGV[7]) or cjson.null
local mark = { kind = 'budget', batch = ARGV[2], queue = ARGV[3], budget = ARGV[4], limit = tonumber(ARGV[5]),
  used = used, at = at }
redis.call('HSET', KEYS[2], 'state', 'stopped', 'reason', ARGV[8], 'finishedAt', at, 'braked', cjson.encode(mark))
redis.call('SREM', KEYS[5], ARGV[2])
redis.call('SADD', KEYS[6], ARGV[2])
local stops = redis.call('HINCRBY', KEYS[2], 'budgetStops', 1)
redis.call('HSET', KEYS[7], ARGV[2] .. '-over-budget-' .. stops .. '-' .. at,
  cjson.encode({ type = 'batch.over_budget', overBudget = mark }))
return 1
