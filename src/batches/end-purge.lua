-- Removes every key of a batch, unless somebody made it run again meanwhile.
-- KEYS 1 batch (hash)  2… its other keys
-- reply: how many keys were removed; -1 when it runs
if redis.call('HGET', KEYS[1], 'state') == 'running' then return -1 end
return redis.call('UNLINK', unpack(KEYS))
