-- Records what requests of one batch ended in, each once: the second call for a request changes nothing, whoever
-- makes it, so an answer that was paid for counts even when the job's lock was lost meanwhile. Needs no lock.
-- KEYS 1 batch (hash)  2 done (bitmap)  3 generations (hash)  4 results (stream)  5 edits (hash)
--      6 draining batches (set)  7 active batches (set)  8 outbox (hash)  9 usage of the queue (hash)
-- ARGV 1 batch id  2 the queue's name when these are outcomes of calls: only they count for the brake ('' not)
--      and for each request
--      1 index  2 generation  3 'completed' | 'dead'  4 the line for the file ('' when it is on disk already)
--      5 code of the failure ('' none)  6 prompt tokens  7 completion tokens  8 total tokens  9 dead letter (JSON, '' none)
--     10 model ('' when no call was made for it here)  11 characters of its prompt
-- reply: for each 'recorded' | 'already' | 'stale' (the request is at another generation) | 'gone' (no such batch)
local state, directory = unpack(redis.call('HMGET', KEYS[1], 'state', 'directory'))
local sums, used, replies = {}, {}, {}
local outcomes, letters = {}, {}

local function count(name, by) sums[name] = (sums[name] or 0) + by end

-- What answers of a model took, of this batch and of the whole queue: what the next ones will take is told from it.
local function use(name, model, by)
  local field = 'used:' .. name .. ':' .. model
  used[field] = (used[field] or 0) + by
end

local function record(index, generation, kind, line, code, prompt, completion, total, letter, model, chars)
  if not state then return 'gone' end
  if tonumber(redis.call('HGET', KEYS[3], index) or '0') ~= tonumber(generation) then return 'stale' end
  if redis.call('SETBIT', KEYS[2], index, 1) == 1 then return 'already' end
  if line ~= '' then
    redis.call('XADD', KEYS[4], '*', 'i', index, 'g', generation, 'k', kind, 'l', line, 'd', letter)
    -- What waits for a disk; nobody subtracts it where there are no files.
    if directory then count('streamBytes', #line + #letter) end
    -- Its batch was ended while the call was out: somebody must still write the answer down.
    if state ~= 'running' and state ~= 'cancelling' and state ~= 'expiring' then redis.call('SADD', KEYS[6], ARGV[1]) end
  end
  outcomes[#outcomes + 1] = kind == 'completed' and '' or code
  if kind == 'completed' then
    count('completed', 1)
    if model ~= '' then
      use('answers', model, 1)
      use('chars', model, tonumber(chars))
      use('prompt', model, tonumber(prompt))
      use('completion', model, tonumber(completion))
    end
    redis.call('HDEL', KEYS[5], index)
  else
    count('failed', 1)
    count('failed:' .. code, 1)
    letters[(string.gsub(code, '\n', ' '))] = letter
  end
  count('prompt_tokens', tonumber(prompt))
  count('completion_tokens', tonumber(completion))
  count('total_tokens', tonumber(total))
  return 'recorded'
end

-- A Redis that is full takes no write that needs memory, unless one that needs none came first: answers were paid for.
if state then redis.call('HDEL', KEYS[1], '-') end
for i = 3, #ARGV, 11 do replies[#replies + 1] = record(unpack(ARGV, i, i + 10)) end
for name, by in pairs(sums) do
  if by > 0 then redis.call('HINCRBY', KEYS[1], name, by) end
end
for name, by in pairs(used) do
  redis.call('HINCRBY', KEYS[1], name, by)
  redis.call('HINCRBY', KEYS[9], name, by)
end
if ARGV[2] ~= '' and #outcomes > 0 and state == 'running' then
  local now = redis.call('HMGET', KEYS[1], 'brake', 'total', 'completed', 'failed')
  local open = tonumber(now[2] or '0') - tonumber(now[3] or '0') - tonumber(now[4] or '0')
  local hit = now[1] == '1' and noteOutcomes(KEYS[1], outcomes)
  -- Where nothing is open any more there is nothing to stop.
  if hit and letters[hit.code] and open > 0 then
    pullBrake(KEYS[1], ARGV[1], ARGV[2], hit, letters[hit.code], KEYS[7], KEYS[6], KEYS[8])
  end
end
return replies
