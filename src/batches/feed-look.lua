-- What the feeder wants to know of a queue and of its batches, in one trip however many they are.
-- KEYS 1 prioritized (sorted set, BullMQ's)  2 active (list, BullMQ's)  3 delayed (sorted set, BullMQ's)
--      4 turns (hash)  5 wait (list, BullMQ's)  6 pace (hash)
--      7… three for each batch: batch (hash), results (stream), retries (sorted set)
-- ARGV ids of the batches
-- reply: { waiting, active, delayed, rate per second, turn of the queue, then seven for each batch: total, fed,
--   completed, failed, results not collected, retries not fed, its mark in turns }
local queue = { prioritized = KEYS[1], active = KEYS[2], delayed = KEYS[3], turns = KEYS[4] }
local reply = {
  redis.call('ZCARD', queue.prioritized) + redis.call('LLEN', KEYS[5]),
  redis.call('LLEN', queue.active),
  redis.call('ZCARD', queue.delayed),
  redis.call('HGET', KEYS[6], 'rate') or '0',
  turnNow(queue),
}
for i, batch in ipairs(ARGV) do
  local own = 4 + i * 3
  local marks = redis.call('HMGET', KEYS[own], 'total', 'fed', 'completed', 'failed')
  for at = 1, 4 do reply[#reply + 1] = marks[at] or 0 end
  reply[#reply + 1] = redis.call('XLEN', KEYS[own + 1])
  reply[#reply + 1] = redis.call('ZCARD', KEYS[own + 2])
  local mark = tonumber(redis.call('HGET', queue.turns, batch) or 0)
  reply[#reply + 1] = math.floor(mark / TURN)
end
return reply
