-- Gives a single request its place in the inbox, once for each custom id. Makes the inbox where there is none yet.
-- KEYS 1 inbox (hash, a batch)  2 index of this custom id (string)  3 done (bitmap)  4 generations (hash)
--      5-8 prioritized, active, delayed, turns: as in take-turns.lua
-- ARGV 1 beginning of the names of the requests  2 custom id  3 digest of the request  4 seconds to keep its answer
--      5 options of the inbox (JSON)  6 most requests that there may ever be
--      7 most without an answer  8 id of the inbox as a batch
-- reply: { what, index, turn of its job }, what: 'new' | 'open' (known, and its job may be missing) | 'known' | 'taken' (by another
--   request) | 'full' | 'crowded'
local function nextTurn()
  local queue = { prioritized = KEYS[5], active = KEYS[6], delayed = KEYS[7], turns = KEYS[8] }
  return takeTurns(queue, ARGV[8], costOf(redis.call('HGET', KEYS[1], 'options')), 1)[1]
end

local known = redis.call('GET', KEYS[2])
if known then
  if redis.call('HGET', ARGV[1] .. known, 'digest') ~= ARGV[3] then return { 'taken', tonumber(known), 0 } end
  -- A retry is the inbox worker's to feed.
  local ended = redis.call('GETBIT', KEYS[3], known) == 1 or redis.call('HEXISTS', KEYS[4], known) == 1
  if ended then return { 'known', tonumber(known), 0 } end
  return { 'open', tonumber(known), nextTurn() }
end
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'state', 'running', 'total', 0, 'completed', 0, 'failed', 0, 'options', ARGV[5])
end
local function count(field) return tonumber(redis.call('HGET', KEYS[1], field) or '0') end
local index = count('total')
if index >= tonumber(ARGV[6]) then return { 'full', 0, 0 } end
if index - count('completed') - count('failed') >= tonumber(ARGV[7]) then return { 'crowded', 0, 0 } end
redis.call('HINCRBY', KEYS[1], 'total', 1)
redis.call('HSET', ARGV[1] .. index, 'customId', ARGV[2], 'digest', ARGV[3], 'keep', ARGV[4])
redis.call('SET', KEYS[2], index)
return { 'new', index, nextTurn() }
