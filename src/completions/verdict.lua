-- May these requests of one batch be called now, or have they been answered, or was their batch ended? And does the
-- caller still hold their jobs? Asked before every call, so that a job that runs twice buys nothing twice. Each 'go' is
-- noted in its job's hash, `called`, and the first of each request is counted for its batch: a budget of requests that
-- came when more were fed already is held here.
-- redis/run-id.lua stands before this.
-- KEYS 1 batch (hash)  2 done (bitmap)  3 generations (hash)  4 results (stream)
--      5 beginning of the names of BullMQ's jobs
-- ARGV 1 batch id  2 bytes, 3 entries of a stream with which no further call is made
--      4 index  5 generation  6 token of the job's lock ('' none)  7 which start of the job this is ('' no job),
--      and so on for each request
-- reply: for each 'go' | 'lost' (the job was given back, or is another worker's)
--        | 'done' (also for an older generation) | 'stopped' (also for a batch that is gone)
--        | 'wait' (this Redis may have lost answers that are in the files, too many are not in files yet, or the
--          budget is used up)
local batch = redis.call('HMGET', KEYS[1], 'state', 'directory', 'checkedRun', 'streamBytes', 'maxRequests', 'fedRequests',
  'calledRequests')
local runs, hasFiles = batch[1] == 'running', batch[2]
local waits = false
local maxRequests, calledRequests, newlyCalled = tonumber(batch[5] or ''), tonumber(batch[7] or '0'), 0
local isLate = maxRequests and tonumber(batch[6] or '0') > maxRequests
if runs and hasFiles then
  local run = batch[3] and runId() or ''
  waits = (run ~= '' and run ~= batch[3])
    or tonumber(batch[4] or '0') >= tonumber(ARGV[2]) or redis.call('XLEN', KEYS[4]) >= tonumber(ARGV[3])
end

-- A Redis that is full takes no write that needs memory, unless one that needs none came first.
if runs then redis.call('HDEL', KEYS[1], '-') end

local function holds(job, token)
  if token == '' then return true end
  if redis.call('GET', job .. ':lock') == token then return true end
  -- Who asks lives: what was counted as its crash was none.
  if redis.call('HGET', job, 'crashOf') == token then
    redis.call('HDEL', job, 'crashOf')
    redis.call('HINCRBY', job, 'crashes', -1)
  end
  return false
end

local function verdict(index, generation, token, start)
  local job = KEYS[5] .. ARGV[1] .. '-' .. index .. '-' .. generation
  if not holds(job, token) then return 'lost' end
  if not runs then return 'stopped' end
  if tonumber(redis.call('HGET', KEYS[3], index) or '0') ~= tonumber(generation) then return 'done' end
  if redis.call('GETBIT', KEYS[2], index) == 1 then return 'done' end
  if waits then return 'wait' end
  if token ~= '' and generation == '0' and redis.call('HEXISTS', job, 'called') == 0 then
    if isLate and calledRequests + newlyCalled >= maxRequests then return 'wait' end
    newlyCalled = newlyCalled + 1
  end
  -- Should its worker die now, a call may have been out. The job is there: its lock is.
  if token ~= '' then redis.call('HSET', job, 'called', start) end
  return 'go'
end

local verdicts = {}
for i = 4, #ARGV, 4 do verdicts[#verdicts + 1] = verdict(unpack(ARGV, i, i + 3)) end
if newlyCalled > 0 then redis.call('HINCRBY', KEYS[1], 'calledRequests', newlyCalled) end
return verdicts
