-- Moves a batch's durable marks forward, refused when a newer holder of the directory's lease has taken over.
-- KEYS 1 lease (string: holder and epoch)  2 batch (hash)  3 results (stream)
-- ARGV 1 the lease as the caller holds it  2 stream position up to which lines are on disk ('' leaves the stream)
--      3… field, value, …
-- reply: 1, or 0 when refused (also for a batch that is gone)
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
redis.call('HSET', KEYS[2], unpack(ARGV, 3))
if ARGV[2] ~= '' then
  -- MINID keeps what is newer than the position; the entry at it is deleted by name.
  redis.call('XTRIM', KEYS[3], 'MINID', ARGV[2])
  redis.call('XDEL', KEYS[3], ARGV[2])
end
return 1
