-- Makes a batch known to its queue, or leaves it as it is. Says nothing of what is done.
-- KEYS 1 batch (hash)  2 active batches (set)  3 gate (hash)
-- ARGV 1 batch id  2 data directory id  3 total  4 manifest (JSON)  5 options (JSON)
--      6 '-' when its files are to be compared with this Redis before a call is made, else ''
-- reply: the batch's state
local state = redis.call('HGET', KEYS[1], 'state')
if state then return state end
redis.call('HSET', KEYS[1], 'state', 'running', 'directory', ARGV[2], 'total', ARGV[3], 'manifest', ARGV[4],
  'options', ARGV[5], 'fed', 0, 'cursor', 0, 'completed', 0, 'failed', 0, 'retries', 0, 'throttled', 0,
  'pausesBefore', redis.call('HGET', KEYS[3], 'pauses') or 0)
if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'checkedRun', ARGV[6]) end
redis.call('SADD', KEYS[2], ARGV[1])
return 'running'
