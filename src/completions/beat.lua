-- A worker's heartbeat, in one trip and by Redis's clock. It must not fail because Redis is full: whoever is late is
-- taken for dead.
-- KEYS 1 workers (sorted set)
-- ARGV 1 worker
-- reply: 1 when it was not among them
-- A Redis that is full takes no write that needs memory, unless one that needs none came first.
redis.call('ZREM', KEYS[1], '-')
local time = redis.call('TIME')
return redis.call('ZADD', KEYS[1], time[1] * 1000 + time[2] / 1000, ARGV[1])
