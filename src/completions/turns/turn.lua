-- Shared by the scripts that give requests their turns: start-time fair queueing. A turn is the BullMQ priority of a
-- job (1 to 2^21, the lowest first), and the time of the queue is the turn of the job at its head. A lane (a batch, the
-- inbox) goes on where it left off, or at that time when nothing of it waits; each request costs it the less the more
-- weight its lane has. In a turn there is room for 64 requests of high priority, 32 of normal, 16 of low.
local TURN, LAST_TURN = 64, 2097152
local COST = { high = 1, normal = 2, low = 4 }
-- The first request of a lane that had nothing waiting goes before all others; so many of them in a turn, so that
-- a stream of small batches does not stop a large one.
local MOST_AHEAD = 8
local MANY_LANES, KEPT_SECONDS = 5000, 86400

-- The cost of a request of a batch, by its options (JSON).
local function costOf(options)
  return COST[string.match(options or '', '"priority":"(%a+)"') or 'normal'] or COST.normal
end

-- The turn of the queue. `queue` names keys: prioritized, active, delayed (of BullMQ) and turns (hash).
-- Only an empty queue begins anew: what is active or delayed comes back at the turn that it had.
local function turnNow(queue)
  local known, last = unpack(redis.call('HMGET', queue.turns, 'now', 'last'))
  local head = redis.call('ZRANGE', queue.prioritized, 0, 0, 'WITHSCORES')[2]
  -- A retry at the head has an old turn; the time does not go back for it.
  if head then return math.max(tonumber(known or 2), math.floor(tonumber(head) / 4294967296)) end
  if redis.call('LLEN', queue.active) + redis.call('ZCARD', queue.delayed) > 0 then return tonumber(last or 2) end
  redis.call('DEL', queue.turns)
  return 2
end

-- Lanes of which nothing waits are where they would begin without a mark.
local function forgetIdle(turns, now)
  local all = redis.call('HGETALL', turns)
  for i = 1, #all, 2 do
    if string.find(all[i], '^b%x') and tonumber(all[i + 1]) <= now * TURN then redis.call('HDEL', turns, all[i]) end
  end
end

-- Gives the next `count` requests of a lane their turns, in order.
local function takeTurns(queue, lane, cost, count)
  local now = turnNow(queue)
  local known, ahead, last, mark = unpack(redis.call('HMGET', queue.turns, 'now', 'ahead', 'last', lane))
  ahead = tonumber(known) == now and tonumber(ahead) or 0
  mark = tonumber(mark or 0)
  local start = math.max(now * TURN, mark)
  local turns = {}
  for i = 0, count - 1 do turns[i + 1] = math.min(LAST_TURN, math.floor((start + i * cost) / TURN)) end
  local latest = math.max(tonumber(last or 0), turns[count])
  if mark <= now * TURN and ahead < MOST_AHEAD then
    turns[1] = math.min(LAST_TURN, now) - 1
    ahead = ahead + 1
  end
  redis.call('HSET', queue.turns, 'now', now, 'ahead', ahead, 'last', latest, lane, start + count * cost)
  redis.call('EXPIRE', queue.turns, KEPT_SECONDS)
  if redis.call('HLEN', queue.turns) > MANY_LANES then forgetIdle(queue.turns, now) end
  return turns
end
