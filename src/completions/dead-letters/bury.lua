-- Files dead letters of one batch in the indexes. Each has its BullMQ job already: an index never names a letter that
-- is not there. Adding again changes nothing.
-- KEYS 1 all (sorted set)  2 groups (hash)  3 sizes of groups (sorted set)  4 where each is filed (hash)
--      5 leaving (sorted set)  6-8 beginnings of the names of the sets by batch, by code, by model
--      9 generations of the batch (hash)  10 beginning of the names of BullMQ's jobs
-- ARGV 1 most groups that are kept apart
--      2… ten for each letter: id, index, generation, time of death, code, model ('' none), group id, group (JSON),
--         id and JSON of the group it goes to when there are too many
-- reply: { filed, of an older generation, without a job }
local all, groups, sizes, groupOf, leaving = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]

local function file(id, at, code, model, group, text)
  redis.call('HSETNX', groups, group, text)
  redis.call('ZINCRBY', sizes, 1, group)
  redis.call('HSET', groupOf, id, group .. ' ' .. code .. '\n' .. model)
  redis.call('ZADD', all, at, id)
  redis.call('ZADD', KEYS[6] .. string.match(id, '^[^-]+'), at, id)
  redis.call('ZADD', KEYS[7] .. code, at, id)
  if model ~= '' then redis.call('ZADD', KEYS[8] .. model, at, id) end
end

local filed, older, missing = 0, 0, 0
for i = 2, #ARGV, 10 do
  local id, index, generation, at, code, model, group, text, other, otherText = unpack(ARGV, i, i + 9)
  if tonumber(generation) < tonumber(redis.call('HGET', KEYS[9], index) or '0') then
    -- Its request was retried since.
    redis.call('ZADD', leaving, 0, id)
    older = older + 1
  elseif redis.call('EXISTS', KEYS[10] .. id) == 0 then
    missing = missing + 1
  -- One that is leaving was just taken out: it does not come back.
  elseif not redis.call('ZSCORE', all, id) and not redis.call('ZSCORE', leaving, id) then
    if redis.call('HEXISTS', groups, group) == 0 and redis.call('HLEN', groups) >= tonumber(ARGV[1]) then
      group, text = other, otherText
    end
    file(id, at, code, model, group, text)
    filed = filed + 1
  end
end
return { filed, older, missing }
