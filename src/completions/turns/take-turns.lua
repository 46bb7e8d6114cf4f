-- Gives requests of a batch their turns. Taken twice after a crash, they only cost the batch twice.
-- KEYS 1 prioritized (sorted set, BullMQ's)  2 active (list, BullMQ's)  3 delayed (sorted set, BullMQ's)
--      4 turns (hash)  5 batch (hash)
-- ARGV 1 batch id  2 how many
-- reply: a turn for each
local queue = { prioritized = KEYS[1], active = KEYS[2], delayed = KEYS[3], turns = KEYS[4] }
return takeTurns(queue, ARGV[1], costOf(redis.call('HGET', KEYS[5], 'options')), tonumber(ARGV[2]))
