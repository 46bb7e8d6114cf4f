-- Takes an ended batch out of reach, before its parts are removed one by one: nothing of it can be retried any more.
-- KEYS 1 batch (hash)  2 active batches (set)  3 draining batches (set)
-- ARGV 1 batch id
-- reply: 1, or 0 when it runs
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'running' or state == 'cancelling' or state == 'expiring' then return 0 end
if state then redis.call('HSET', KEYS[1], 'state', 'cancelled', 'reason', 'purged') end
redis.call('SREM', KEYS[2], ARGV[1])
redis.call('SREM', KEYS[3], ARGV[1])
return 1
