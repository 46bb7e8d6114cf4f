-- Notes that the BullMQ jobs of letters that left are gone. One whose job is there (it was added again meanwhile) goes
-- on leaving; one that was filed again meanwhile has just lost its job, and goes after it.
-- KEYS 1-8 as in leave.lua  9 beginning of the names of BullMQ's jobs
-- ARGV 1… ids
-- reply: how many are gone
local dead = { all = KEYS[1], groups = KEYS[2], sizes = KEYS[3], groupOf = KEYS[4], leaving = KEYS[5],
  byBatch = KEYS[6], byCode = KEYS[7], byModel = KEYS[8] }
local gone = 0
for _, id in ipairs(ARGV) do
  if redis.call('EXISTS', KEYS[9] .. id) == 0 then
    takeOut(dead, id)
    gone = gone + redis.call('ZREM', dead.leaving, id)
  end
end
return gone
