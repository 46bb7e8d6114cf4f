-- Opens requests of the inbox again that were retried from the dead letters: what they ended in counts no more, and
-- they stay until there is an answer. One that has an answer since is left alone.
-- KEYS 1 done (bitmap)  2… two for each request: request (hash), index of its custom id (string)
-- ARGV 1… two for each request: index, custom id
-- reply: 1
for at = 0, #ARGV / 2 - 1 do
  local index, customId = ARGV[1 + 2 * at], ARGV[2 + 2 * at]
  local request, byCustomId = KEYS[2 + 2 * at], KEYS[3 + 2 * at]
  if redis.call('GETBIT', KEYS[1], index) == 0 then
    redis.call('HSET', request, 'customId', customId)
    redis.call('HDEL', request, 'kind', 'line')
    redis.call('PERSIST', request)
    -- One that was forgotten may have been enqueued anew meanwhile: then that is what its custom id means.
    if redis.call('GET', byCustomId) == index then redis.call('PERSIST', byCustomId) end
  end
end
return 1
