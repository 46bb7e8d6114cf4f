-- Moves a batch's durable marks forward, refused when a newer holder of the directory's lease has taken over, or when
-- this is not the run of Redis that the caller has compared its files with: it may have lost what they hold.
-- redis/run-id.lua stands before this.
-- KEYS 1 lease (string: holder and epoch)  2 batch (hash)  3 results (stream)
-- ARGV 1 the lease as the caller holds it  2 that run ('' does not matter)
--      3 stream position up to which lines are on disk ('' leaves the stream)  4 bytes of these entries
--      5… field, value, …
-- reply: 1 | 0 refused (also for a batch that is gone) | 2 another run of Redis
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
if ARGV[2] ~= '' and runId() ~= ARGV[2] then return 2 end
-- A Redis that is full takes no write that needs memory, unless one that needs none came first: this makes room.
redis.call('HDEL', KEYS[2], '-')
if ARGV[3] ~= '' then
  -- MINID keeps what is newer than the position; the entry at it is deleted by name.
  local trimmed = redis.call('XTRIM', KEYS[3], 'MINID', ARGV[3]) + redis.call('XDEL', KEYS[3], ARGV[3])
  -- A call that is sent again trims nothing.
  if trimmed > 0 and ARGV[4] ~= '0' then redis.call('HINCRBY', KEYS[2], 'streamBytes', '-' .. ARGV[4]) end
  if redis.call('XLEN', KEYS[3]) == 0 then redis.call('HDEL', KEYS[2], 'streamBytes') end
end
if #ARGV > 4 then redis.call('HSET', KEYS[2], unpack(ARGV, 5)) end
return 1
