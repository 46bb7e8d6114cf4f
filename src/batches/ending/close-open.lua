-- Records requests of a batch that is being ended early, each once: they end without an answer, and are no dead letters.
-- redis/run-id.lua stands before this.
-- KEYS 1 lease (string)  2 batch (hash)  3 done (bitmap)  4 generations (hash)  5 results (stream)
--      6 retries (sorted set)
-- ARGV 1 the lease as the caller holds it  2 the state that the batch must be in  3 code of the ends
--      4… three for each: index, generation, the line for the file
-- reply: how many were recorded; -1 when a newer holder of the lease has taken over, -2 when the batch was let run again,
--        -3 when this Redis was restarted: answers that are in the files may look open
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
if redis.call('HGET', KEYS[2], 'state') ~= ARGV[2] then return -2 end
local checked = redis.call('HGET', KEYS[2], 'checkedRun')
local run = checked and runId() or ''
if run ~= '' and run ~= checked then return -3 end
local recorded, bytes = 0, 0
for i = 4, #ARGV, 3 do
  local index, generation, line = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local current = tonumber(redis.call('HGET', KEYS[4], index) or '0') == tonumber(generation)
  if current and redis.call('SETBIT', KEYS[3], index, 1) == 0 then
    redis.call('XADD', KEYS[5], '*', 'i', index, 'g', generation, 'k', 'dead', 'l', line, 'd', '')
    redis.call('ZREM', KEYS[6], index)
    recorded, bytes = recorded + 1, bytes + #line
  end
end
if recorded > 0 then
  redis.call('HINCRBY', KEYS[2], 'streamBytes', bytes)
  redis.call('HINCRBY', KEYS[2], 'failed', recorded)
  redis.call('HINCRBY', KEYS[2], 'failed:' .. ARGV[3], recorded)
end
return recorded
