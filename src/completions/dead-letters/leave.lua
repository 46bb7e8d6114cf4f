-- Takes letters out of the indexes. Their requests stay failed. What is remembered of single ones goes with them: those
-- of a batch are of use to it, and go with it.
-- KEYS 1 all (sorted set)  2 groups (hash)  3 sizes of groups (sorted set)  4 where each is filed (hash)
--      5 leaving (sorted set)  6-8 beginnings of the names of the sets by batch, by code, by model
--      9 edits of single requests (hash)  10 history of single requests (hash)
-- ARGV 1 batch id of the single requests  2… ids
-- reply: how many were there
local dead = { all = KEYS[1], groups = KEYS[2], sizes = KEYS[3], groupOf = KEYS[4], leaving = KEYS[5],
  byBatch = KEYS[6], byCode = KEYS[7], byModel = KEYS[8] }
local left = 0
for i = 2, #ARGV do
  if takeOut(dead, ARGV[i]) then
    left = left + 1
    local batch, index = string.match(ARGV[i], '^([^-]+)-(%d+)-')
    if batch == ARGV[1] then
      redis.call('HDEL', KEYS[9], index)
      redis.call('HDEL', KEYS[10], index)
    end
  end
end
return left
