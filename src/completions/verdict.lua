-- May these requests of one batch be called now, or have they been answered, or was their batch ended? Asked before
-- every call, so that a job that runs twice buys nothing twice.
-- redis/run-id.lua stands before this.
-- KEYS 1 batch (hash)  2 done (bitmap)  3 generations (hash)  4 results (stream)
-- ARGV 1 bytes, 2 entries of a stream with which no further call is made
--      3 index  4 generation, and so on for each request
-- reply: for each 'go' | 'done' (also for an older generation) | 'stopped' (also for a batch that is gone)
--        | 'wait' (this Redis may have lost answers that are in the files, or too many are not in files yet)
local batch = redis.call('HMGET', KEYS[1], 'state', 'directory', 'checkedRun', 'streamBytes')
local runs, hasFiles = batch[1] == 'running', batch[2]
local waits = false
if runs and hasFiles then
  local run = batch[3] and runId() or ''
  waits = (run ~= '' and run ~= batch[3])
    or tonumber(batch[4] or '0') >= tonumber(ARGV[1]) or redis.call('XLEN', KEYS[4]) >= tonumber(ARGV[2])
end
local verdicts = {}
for i = 3, #ARGV, 2 do
  local verdict = waits and 'wait' or 'go'
  if not runs then verdict = 'stopped'
  elseif tonumber(redis.call('HGET', KEYS[3], ARGV[i]) or '0') ~= tonumber(ARGV[i + 1]) then verdict = 'done'
  elseif redis.call('GETBIT', KEYS[2], ARGV[i]) == 1 then verdict = 'done' end
  verdicts[#verdicts + 1] = verdict
end
return verdicts
