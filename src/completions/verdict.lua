-- May this request be called now, or has it been answered, or was its batch ended? Asked before every call, so
-- that a job that runs twice buys nothing twice.
-- KEYS 1 batch (hash)  2 done (bitmap)  3 generations (hash)
-- ARGV 1 index  2 generation
-- reply: 'go' | 'done' (also for an older generation) | 'stopped' (also for a batch that is gone)
if redis.call('HGET', KEYS[1], 'state') ~= 'running' then return 'stopped' end
if tonumber(redis.call('HGET', KEYS[3], ARGV[1]) or '0') ~= tonumber(ARGV[2]) then return 'done' end
if redis.call('GETBIT', KEYS[2], ARGV[1]) == 1 then return 'done' end
return 'go'
