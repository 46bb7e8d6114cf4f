-- May these requests of one batch be called now, or have they been answered, or was their batch ended? Asked before
-- every call, so that a job that runs twice buys nothing twice.
-- KEYS 1 batch (hash)  2 done (bitmap)  3 generations (hash)
-- ARGV 1 index  2 generation, and so on for each request
-- reply: for each 'go' | 'done' (also for an older generation) | 'stopped' (also for a batch that is gone)
local runs = redis.call('HGET', KEYS[1], 'state') == 'running'
local verdicts = {}
for i = 1, #ARGV, 2 do
  local verdict = 'go'
  if not runs then verdict = 'stopped'
  elseif tonumber(redis.call('HGET', KEYS[3], ARGV[i]) or '0') ~= tonumber(ARGV[i + 1]) then verdict = 'done'
  elseif redis.call('GETBIT', KEYS[2], ARGV[i]) == 1 then verdict = 'done' end
  verdicts[#verdicts + 1] = verdict
end
return verdicts
