-- Opens requests again that ended only because their batch did. Their lines are out of the batch's files already; each
-- portion of the list, an older revision of the errors file, is taken once: the mark moves in the same step.
-- KEYS 1 lease (string)  2 batch (hash)  3 done (bitmap)  4 generations (hash)
-- ARGV 1 the lease as the caller holds it  2 revision of the list  3 offset of the portion in it  4 of the next one
--      5 '1' for the last portion  6… three for each: index, generation, code
-- reply: how many were opened; -1 when a newer holder of the lease has taken over, -2 when the mark has moved
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local marks = redis.call('HMGET', KEYS[2], 'reopening', 'reopenedTo')
if marks[1] ~= ARGV[2] or (marks[2] or '0') ~= ARGV[3] then return -2 end
local opened, codes = 0, {}
for i = 6, #ARGV, 3 do
  local index, generation, code = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local current = tonumber(redis.call('HGET', KEYS[4], index) or '0') == tonumber(generation)
  if current and redis.call('SETBIT', KEYS[3], index, 0) == 1 then
    opened = opened + 1
    codes[code] = (codes[code] or 0) + 1
  end
end
if opened > 0 then redis.call('HINCRBY', KEYS[2], 'failed', -opened) end
for code, count in pairs(codes) do
  if redis.call('HINCRBY', KEYS[2], 'failed:' .. code, -count) <= 0 then redis.call('HDEL', KEYS[2], 'failed:' .. code) end
end
redis.call('HSET', KEYS[2], 'reopenedTo', ARGV[4])
if ARGV[5] == '1' then redis.call('HDEL', KEYS[2], 'reopening', 'reopenedTo') end
return opened
