-- Keeps what requests of the inbox ended in, for as long as each asked for. Doing it again changes nothing; an ending
-- of an older generation is no ending any more. Refused when a newer holder of the inbox's lease has taken over.
-- KEYS 1 lease (string)  2 generations (hash)  3 edits (hash)  4 history (hash)
--      5… two for each ending: request (hash), index of its custom id (string)
-- ARGV 1 the lease as the caller holds it  2 seconds to keep it where the request does not say
--      3… five for each ending: index, generation, 'completed' | 'dead', custom id, line
-- reply: 1, or 0 when refused
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for at = 0, (#ARGV - 2) / 5 - 1 do
  local index, generation, kind, customId, line = unpack(ARGV, 3 + 5 * at, 7 + 5 * at)
  local request, byCustomId = KEYS[5 + 2 * at], KEYS[6 + 2 * at]
  if tonumber(redis.call('HGET', KEYS[2], index) or '0') == tonumber(generation) then
    redis.call('HSET', request, 'customId', customId, 'kind', kind, 'line', line)
    local seconds = redis.call('HGET', request, 'keep') or ARGV[2]
    redis.call('EXPIRE', request, seconds)
    -- Its custom id may be another request's since this one was forgotten and retried.
    if redis.call('GET', byCustomId) == index then redis.call('EXPIRE', byCustomId, seconds) end
    if kind == 'completed' and generation ~= '0' then
      redis.call('HDEL', KEYS[3], index)
      redis.call('HDEL', KEYS[4], index)
    end
  end
end
return 1
