-- Ends a batch: it takes no more calls. Its keys stay until it is purged: its dead letters may be retried.
-- KEYS 1 batch (hash)  2 active batches (set)  3 results (stream)  4 retries (sorted set)  5 draining batches (set)
--      6 gate (hash)  7-11 of the incident (admission/incident.lua, which stands before this)
-- ARGV 1 batch id  2 state  3 reason ('' leaves that of an early end)
-- reply: 1, or 0 when it is in no state that leads there; and for a whole end when something of it is open (a retry
--        came meanwhile)
local function field(name) return tonumber(redis.call('HGET', KEYS[1], name) or '0') end
-- From which states each end is reached. The first three are whole: every request has its line on disk.
local FROM = {
  completed = { running = true, cancelling = true, expiring = true },
  cancelled = { cancelling = true },
  expired = { expiring = true },
  stopped = { running = true, cancelling = true, expiring = true },
  replaced = { running = true, cancelling = true, expiring = true, stopped = true },
}
local state = redis.call('HGET', KEYS[1], 'state')
if not state or not FROM[ARGV[2]][state] then return 0 end
local isWhole = ARGV[2] ~= 'stopped' and ARGV[2] ~= 'replaced'
if isWhole then
  if field('completed') + field('failed') ~= field('total') then return 0 end
  if redis.call('XLEN', KEYS[3]) + redis.call('ZCARD', KEYS[4]) > 0 then return 0 end
  if field('superseded') ~= field('filtered') then return 0 end
end
-- A Redis that is full takes no write that needs memory, unless one that needs none came first.
redis.call('HDEL', KEYS[1], '-')
local time = redis.call('TIME')
local pauses = tonumber(redis.call('HGET', KEYS[6], 'pauses') or '0')
redis.call('HSET', KEYS[1], 'state', ARGV[2], 'pauses', pauses - field('pausesBefore'),
  'finishedAt', time[1] * 1000 + math.floor(time[2] / 1000))
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'reason', ARGV[3]) end
-- Nothing was left to end early.
if ARGV[2] == 'completed' then redis.call('HDEL', KEYS[1], 'reason') end
redis.call('HDEL', KEYS[1], 'braked')
redis.call('SREM', KEYS[2], ARGV[1])
-- With the last batch of the queue nobody waits for the incident's end any more.
resolveIfNothingWaits(incidentKeys(7), time[1] * 1000 + math.floor(time[2] / 1000))
if not isWhole then redis.call('SADD', KEYS[5], ARGV[1]) end
return 1
