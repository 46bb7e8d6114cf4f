-- Takes letters out of the indexes. Their requests stay failed.
-- KEYS 1 all (sorted set)  2 groups (hash)  3 sizes of groups (sorted set)  4 where each is filed (hash)
--      5 leaving (sorted set)  6-8 beginnings of the names of the sets by batch, by code, by model
-- ARGV 1… ids
-- reply: how many were there
local dead = { all = KEYS[1], groups = KEYS[2], sizes = KEYS[3], groupOf = KEYS[4], leaving = KEYS[5],
  byBatch = KEYS[6], byCode = KEYS[7], byModel = KEYS[8] }
local left = 0
for _, id in ipairs(ARGV) do
  if takeOut(dead, id) then left = left + 1 end
end
return left
