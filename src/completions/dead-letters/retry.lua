-- Gives dead letters of one batch back to it: each request is open again at its next generation, and the letter
-- leaves. A batch that was completed runs again. Run twice it gives the same reply: what is leaving was retried.
-- KEYS 1-8 as in leave.lua  9 batch (hash)  10 done (bitmap)  11 generations (hash)  12 retries (sorted set)
--      13 edits (hash)  14 history (hash)  15 active batches (set)  16 gate (hash)
--      17… for a batch of single requests, two for each letter: request (hash), index of its custom id (string)
-- ARGV 1 batch id  2 earlier ends that are kept of a request
--      3… seven for each letter: id, index, generation, code, edit of its body (JSON, '' as it is),
--         what to remember of this end (JSON on one line), custom id
-- reply: for each letter 'retried' | 'not_there' (nor one of the current generation)
--        | 'ended' (the batch was ended early) | 'gone' (its batch, or what it knows of its requests)
local dead = { all = KEYS[1], groups = KEYS[2], sizes = KEYS[3], groupOf = KEYS[4], leaving = KEYS[5],
  byBatch = KEYS[6], byCode = KEYS[7], byModel = KEYS[8] }
local batch, done, generations = KEYS[9], KEYS[10], KEYS[11]
local state = redis.call('HGET', batch, 'state')
local knowsRequests = redis.call('EXISTS', done) == 1

local function remember(index, entry)
  local text = redis.call('HGET', KEYS[14], index)
  text = text and (text .. '\n' .. entry) or entry
  local _, newlines = string.gsub(text, '\n', '')
  for _ = 1, newlines + 1 - tonumber(ARGV[2]) do text = string.sub(text, string.find(text, '\n', 1, true) + 1) end
  redis.call('HSET', KEYS[14], index, text)
end

local function reopen(index, generation, code)
  redis.call('SETBIT', done, index, 0)
  redis.call('HSET', generations, index, generation + 1)
  redis.call('HINCRBY', batch, 'failed', -1)
  if redis.call('HINCRBY', batch, 'failed:' .. code, -1) <= 0 then redis.call('HDEL', batch, 'failed:' .. code) end
  redis.call('HINCRBY', batch, 'superseded', 1)
  redis.call('ZADD', KEYS[12], index, index)
end

-- What a single request ended in counts no more from now on, and it stays until there is an answer.
local function forgetAnswer(request, byCustomId, index, customId)
  redis.call('HSET', request, 'customId', customId)
  redis.call('HDEL', request, 'kind', 'line')
  redis.call('PERSIST', request)
  -- One that was forgotten may have been enqueued anew meanwhile: then that is what its custom id means.
  if redis.call('GET', byCustomId) == index then redis.call('PERSIST', byCustomId) end
end

local function retry(id, index, generation, code, edit, entry)
  if not state or not knowsRequests then return 'gone' end
  local current = tonumber(redis.call('HGET', generations, index) or '0')
  if current == generation + 1 and redis.call('ZSCORE', dead.leaving, id) then return 'retried' end
  if current ~= generation or redis.call('GETBIT', done, index) == 0 then return 'not_there' end
  if state ~= 'running' and state ~= 'completed' then return 'ended' end
  -- An edited file takes its answers over.
  if redis.call('HEXISTS', batch, 'sealed') == 1 then return 'ended' end
  if not takeOut(dead, id) then return 'not_there' end
  reopen(index, generation, code)
  if edit ~= '' then redis.call('HSET', KEYS[13], index, edit) end
  remember(index, entry)
  return 'retried'
end

local function runAgain()
  local gatePauses = tonumber(redis.call('HGET', KEYS[16], 'pauses') or '0')
  local pauses = tonumber(redis.call('HGET', batch, 'pauses') or '0')
  redis.call('HSET', batch, 'state', 'running', 'pausesBefore', gatePauses - pauses)
  -- It was completed within its window, if it had one: none that is over counts any more (ending/configure.lua). What the
  -- brake counted is of before, too.
  redis.call('HSET', batch, 'windowMet', 1)
  redis.call('HDEL', batch, 'finishedAt', 'reason', 'pauses', 'expiresAt', 'outcomes')
  redis.call('SADD', KEYS[15], ARGV[1])
  redis.call('PERSIST', done)
  redis.call('PERSIST', generations)
end

local replies, retried = {}, 0
for i = 3, #ARGV, 7 do
  local id, index, generation, code, edit, entry, customId = unpack(ARGV, i, i + 6)
  local reply = retry(id, index, tonumber(generation), code, edit, entry)
  if reply == 'retried' then
    retried = retried + 1
    local own = 17 + (i - 3) / 7 * 2
    -- Run twice, it may have an answer meanwhile.
    if KEYS[own] and redis.call('GETBIT', done, index) == 0 then
      forgetAnswer(KEYS[own], KEYS[own + 1], index, customId)
    end
  end
  replies[#replies + 1] = reply
end
if retried > 0 and state == 'completed' then runAgain() end
return replies
