-- Records requests of a batch that is being ended early, each once: they end without an answer, and are no dead letters.
-- KEYS 1 lease (string)  2 batch (hash)  3 done (bitmap)  4 generations (hash)  5 results (stream)
--      6 retries (sorted set)
-- ARGV 1 the lease as the caller holds it  2 the state that the batch must be in  3 code of the ends
--      4… three for each: index, generation, the line for the file
-- reply: how many were recorded; -1 when a newer holder of the lease has taken over, -2 when the batch was let run again
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
if redis.call('HGET', KEYS[2], 'state') ~= ARGV[2] then return -2 end
local recorded = 0
for i = 4, #ARGV, 3 do
  local index, generation, line = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local current = tonumber(redis.call('HGET', KEYS[4], index) or '0') == tonumber(generation)
  if current and redis.call('SETBIT', KEYS[3], index, 1) == 0 then
    redis.call('XADD', KEYS[5], '*', 'i', index, 'g', generation, 'k', 'dead', 'l', line, 'd', '')
    redis.call('ZREM', KEYS[6], index)
    recorded = recorded + 1
  end
end
if recorded > 0 then
  redis.call('HINCRBY', KEYS[2], 'failed', recorded)
  redis.call('HINCRBY', KEYS[2], 'failed:' .. ARGV[3], recorded)
end
return recorded
