-- Takes a batch that was ended early from those that are drained, unless an answer has come meanwhile.
-- KEYS 1 draining batches (set)  2 results (stream)
-- ARGV 1 batch id
-- reply: 1, or 0 when there is something to write first
if redis.call('XLEN', KEYS[2]) > 0 then return 0 end
redis.call('SREM', KEYS[1], ARGV[1])
return 1
