-- Tells a Redis that has lost it which requests were retried, as the lines on disk show.
-- KEYS 1 batch (hash)  2 generations (hash)
-- ARGV index, generation, …
-- reply: how many it did not know
local raised = 0
for i = 1, #ARGV, 2 do
  if tonumber(redis.call('HGET', KEYS[2], ARGV[i]) or '0') < tonumber(ARGV[i + 1]) then
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
    raised = raised + 1
  end
end
-- Each may have left a line of an earlier generation in the errors file.
if raised > 0 then redis.call('HINCRBY', KEYS[1], 'superseded', raised) end
return raised
