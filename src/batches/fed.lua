-- Takes requests that are jobs now from those that wait to be fed, unless they were retried once more since.
-- KEYS 1 retries (sorted set)  2 generations (hash)
-- ARGV 1… two for each request: index, generation that was fed
-- reply: 1
for at = 1, #ARGV, 2 do
  if (redis.call('HGET', KEYS[2], ARGV[at]) or '0') == ARGV[at + 1] then redis.call('ZREM', KEYS[1], ARGV[at]) end
end
return 1
