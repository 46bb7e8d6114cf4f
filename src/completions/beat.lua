-- A worker's heartbeat, in one trip and by Redis's clock.
-- KEYS 1 workers (sorted set)
-- ARGV 1 worker
-- reply: 1 when it was not among them
local time = redis.call('TIME')
return redis.call('ZADD', KEYS[1], time[1] * 1000 + time[2] / 1000, ARGV[1])
