-- A worker's heartbeat. It must not fail because Redis is full: whoever is late is taken for dead.
-- KEYS 1 heartbeats (sorted set)
-- ARGV 1 worker
-- A Redis that is full takes no write that needs memory, unless one that needs none came first.
redis.call('ZREM', KEYS[1], '-')
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], time[1] * 1000 + time[2] / 1000, ARGV[1])
