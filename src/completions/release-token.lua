-- The lock token of a job that a dead worker still holds. Worker and token are read in one step: since the first
-- look another process may have given the job back, and the lock would be that of a live worker.
-- KEYS 1 job (BullMQ's hash)  2 its lock (string)
-- ARGV 1 the dead worker, as BullMQ stores it in the job's field pb
-- reply: the token | nil (the job is not that worker's any more, or has no lock)
if redis.call('HGET', KEYS[1], 'pb') ~= ARGV[1] then return false end
return redis.call('GET', KEYS[2])
