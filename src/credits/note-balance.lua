-- Writes down a look at the account, and puts the alert into the outbox when that shows for the first time that the
-- balance will not last for what is queued; the next one comes only after it was enough in between.
-- KEYS 1 credits (hash)  2 gate (hash)  3 outbox (hash)
-- ARGV 1 version of the looks that this one was added to  2 all looks with it (JSON)
--      3 'low': people have to be told | 'as_before': they were, and it still is | 'enough': it is not low
--      4 id of the alert  5 its entry for the outbox (JSON; '' none)  6 batches that it is told for (JSON)
-- reply: 'noted' | 'told' | 'outdated' (somebody else has looked meanwhile, or this is sent again: nothing changed)
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if version ~= ARGV[1] then return 'outdated' end
redis.call('HSET', KEYS[1], 'version', tonumber(version) + 1, 'book', ARGV[2])
if ARGV[3] == 'enough' then redis.call('HDEL', KEYS[1], 'low') end
-- It is still low: work that came meanwhile is in the know.
if ARGV[3] == 'as_before' then redis.call('HSET', KEYS[1], 'low', ARGV[6]) end
if ARGV[3] ~= 'low' then return 'noted' end
-- Who knows that the account is empty need not be told that it will be.
if redis.call('HEXISTS', KEYS[2], 'hold:credits') == 1 then return 'noted' end
redis.call('HSET', KEYS[1], 'low', ARGV[6])
redis.call('HSET', KEYS[3], ARGV[4], ARGV[5])
return 'told'
