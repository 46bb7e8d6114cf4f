-- Keeps the locks of jobs that a worker runs while Redis is full: it takes no SET then, with which BullMQ renews them.
-- KEYS 1… locks (string: the token of whoever holds it)
-- ARGV 1 lock time, ms  2… token of each
-- reply: how many are kept
local kept = 0
for i, lock in ipairs(KEYS) do
  if redis.call('GET', lock) == ARGV[i + 1] then kept = kept + redis.call('PEXPIRE', lock, ARGV[1]) end
end
return kept
