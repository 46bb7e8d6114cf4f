-- May these requests of one batch be called now, or have they been answered, or was their batch ended? And does the
-- caller still hold their jobs? Asked before every call, so that a job that runs twice buys nothing twice.
-- KEYS 1 batch (hash)  2 done (bitmap)  3 generations (hash)  4 beginning of the names of BullMQ's jobs
-- ARGV 1 batch id  2 index  3 generation  4 token of the job's lock ('' none), and so on for each request
-- reply: for each 'go' | 'lost' (the job was given back, or is another worker's)
--        | 'done' (also for an older generation) | 'stopped' (also for a batch that is gone)
local runs = redis.call('HGET', KEYS[1], 'state') == 'running'

local function holds(index, generation, token)
  if token == '' then return true end
  local job = KEYS[4] .. ARGV[1] .. '-' .. index .. '-' .. generation
  if redis.call('GET', job .. ':lock') == token then return true end
  -- Who asks lives: what was counted as its crash was none.
  if redis.call('HGET', job, 'crashOf') == token then
    redis.call('HINCRBY', job, 'crashes', -1)
    redis.call('HDEL', job, 'crashOf')
  end
  return false
end

local function verdict(index, generation, token)
  if not holds(index, generation, token) then return 'lost' end
  if not runs then return 'stopped' end
  if tonumber(redis.call('HGET', KEYS[3], index) or '0') ~= tonumber(generation) then return 'done' end
  return redis.call('GETBIT', KEYS[2], index) == 1 and 'done' or 'go'
end

local verdicts = {}
for i = 2, #ARGV, 3 do verdicts[#verdicts + 1] = verdict(ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
return verdicts
