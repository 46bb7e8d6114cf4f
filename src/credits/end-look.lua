-- Ends a look at the account. Only whose turn it still is keeps what was seen.
-- KEYS 1 look (hash, as claim-look.lua has it)
-- ARGV 1 token of who asked  2 fingerprint of the API key  3 what was seen (JSON, '' nothing to keep)
--      4 '1' the account told, '0' it did not, '' it was not asked
-- reply: 1 when the account has begun or ceased to tell, else 0
redis.call('HDEL', KEYS[1], '-')
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'until', 0)
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'seen:' .. ARGV[2], ARGV[3]) end
if ARGV[4] == '' then return 0 end
local failed = redis.call('HGET', KEYS[1], 'failed') == '1'
if failed == (ARGV[4] == '0') then return 0 end
redis.call('HSET', KEYS[1], 'failed', failed and '0' or '1')
return 1
