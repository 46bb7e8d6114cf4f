-- The lock token of a job that a worker still holds, how many crashes the job was in flight in, and whether its call was
-- let out since it was last started (verdict.lua): otherwise it only waited, and is no part of the crash. Worker and token
-- are read in one step: since the first look another process may have given the job back, and the lock would be that
-- of a live worker. A crash counts once for a lock, whoever gives the job back and however often.
-- KEYS 1 job (BullMQ's hash)  2 its lock (string)  3 active jobs (list)
-- ARGV 1 the worker, as BullMQ stores it in the job's field pb  2 job id
--      3 a token for a job whose lock ran out  4 its time, ms  5 '1' it crashed, '0' only look
-- reply: { token, crashes, 1 | 0 (was it called) } | nil (the job is not that worker's any more)
local worker, start, called = unpack(redis.call('HMGET', KEYS[1], 'pb', 'ats', 'called'))
if worker ~= ARGV[1] then return false end
local inFlight = called ~= false and called == start
local token = redis.call('GET', KEYS[2])
if not token then
  if not redis.call('LPOS', KEYS[3], ARGV[2]) then return false end
  token = ARGV[3]
  redis.call('SET', KEYS[2], token, 'PX', ARGV[4])
end
if ARGV[5] == '1' and inFlight and redis.call('HGET', KEYS[1], 'crashOf') ~= token then
  redis.call('HSET', KEYS[1], 'crashOf', token)
  redis.call('HINCRBY', KEYS[1], 'crashes', 1)
end
return { token, tonumber(redis.call('HGET', KEYS[1], 'crashes') or '0'), inFlight and 1 or 0 }
