-- Shared by the scripts that take letters out: takes one out of all indexes, and leaves its BullMQ job to the sweep.
-- `dead` names the keys: all, groups, sizes, groupOf, leaving; byBatch, byCode, byModel are beginnings of names.
-- Gives whether it was there.
local function takeOut(dead, id)
  if redis.call('ZREM', dead.all, id) == 0 then return false end
  redis.call('ZREM', dead.byBatch .. string.match(id, '^[^-]+'), id)
  local filed = redis.call('HGET', dead.groupOf, id)
  if filed then
    local group, code, model = string.match(filed, '^(%S+) ([^\n]*)\n(.*)$')
    redis.call('ZREM', dead.byCode .. code, id)
    if model ~= '' then redis.call('ZREM', dead.byModel .. model, id) end
    if tonumber(redis.call('ZINCRBY', dead.sizes, -1, group)) <= 0 then
      redis.call('ZREM', dead.sizes, group)
      redis.call('HDEL', dead.groups, group)
    end
    redis.call('HDEL', dead.groupOf, id)
  end
  redis.call('ZADD', dead.leaving, 0, id)
  return true
end
