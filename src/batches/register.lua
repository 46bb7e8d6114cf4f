-- Makes a batch known to its queue, or leaves it as it is. Says nothing of what is done.
-- KEYS 1 batch (hash)  2 active batches (set)  3 gate (hash)
-- ARGV 1 batch id  2 data directory id  3 total  4 manifest (JSON)  5 options (JSON)  6 ms since it was made
--      7 completion window, ms ('' none)  8 '1' with the brake, '0' without
--      9 state of one that is new here: 'running', or how it was being ended when Redis lost it
--      10 '-' when its files are to be compared with this Redis before a call is made, else ''
--      11 requests, 12 cents that it may take ('' no such budget)
-- reply: the batch's state
local state = redis.call('HGET', KEYS[1], 'state')
if state then return state end
local time = redis.call('TIME')
local madeAt = time[1] * 1000 + math.floor(time[2] / 1000) - tonumber(ARGV[6])
redis.call('HSET', KEYS[1], 'state', ARGV[9], 'directory', ARGV[2], 'total', ARGV[3], 'manifest', ARGV[4],
  'options', ARGV[5], 'fed', 0, 'cursor', 0, 'completed', 0, 'failed', 0, 'retries', 0, 'throttled', 0,
  'pausesBefore', redis.call('HGET', KEYS[3], 'pauses') or 0, 'madeAt', madeAt, 'brake', ARGV[8])
if ARGV[7] ~= '' then redis.call('HSET', KEYS[1], 'expiresAt', madeAt + tonumber(ARGV[7])) end
if ARGV[10] ~= '' then redis.call('HSET', KEYS[1], 'checkedRun', ARGV[10]) end
if ARGV[11] ~= '' then redis.call('HSET', KEYS[1], 'maxRequests', ARGV[11]) end
if ARGV[12] ~= '' then redis.call('HSET', KEYS[1], 'maxCostCents', ARGV[12]) end
redis.call('SADD', KEYS[2], ARGV[1])
return ARGV[9]
