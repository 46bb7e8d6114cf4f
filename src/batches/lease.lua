-- Takes or renews the lease on a data directory: its holder alone feeds and collects there.
-- KEYS 1 lease (string)  2 counter
-- ARGV 1 the lease as held ('' to take it)  2 holder  3 lease time, ms (0 releases it)  4 a lease whose holder is known dead ('' none)
-- reply: the lease held now ('' refused, another holds it), and that other's lease
local current = redis.call('GET', KEYS[1])
if current and current == ARGV[1] then
  if ARGV[3] == '0' then
    redis.call('DEL', KEYS[1])
    return { '', '' }
  end
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return { current, current }
end
if ARGV[3] == '0' then return { '', '' } end
if current and current ~= ARGV[4] then return { '', current } end
-- A Redis that is full takes no write that needs memory, unless one that needs none came first.
redis.call('PERSIST', KEYS[2])
-- With the time: a Redis that lost everything counts from 1 again, and an old fence must not fit then.
local time = redis.call('TIME')
local lease = ARGV[2] .. ' ' .. redis.call('INCR', KEYS[2]) .. ' ' .. time[1] .. '.' .. time[2]
redis.call('SET', KEYS[1], lease, 'PX', ARGV[3])
return { lease, lease }
