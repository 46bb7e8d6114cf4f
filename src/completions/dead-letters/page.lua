-- Looks at the next letters of a set, or at given ones, and tells which of them are in further sets too.
-- KEYS 1 the set (sorted by time of death)  2 where each is filed (hash)  3… further sets
-- ARGV 1 'ids' | 'count' | 'groups'  2 died before this (Unix ms)  3 time and 4 id of the last letter looked at ('' none)
--      5 how many to look at  6… the given ones, in place of 3 to 5
-- reply: { time, id of the last one looked at ('' when there are no more), and
--   'ids':    id, … oldest first
--   'count':  how many
--   'groups': group id, letters, oldest time, newest time, id of the oldest, … }

-- Byte by byte, as Redis sorts members; Lua's < follows the locale.
local function isBefore(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

-- The first rank behind a letter, also when that one has gone.
local function rankBehind(at, id)
  local low = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. at)
  local high = redis.call('ZCOUNT', KEYS[1], '-inf', at)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if isBefore(id, redis.call('ZRANGE', KEYS[1], middle, middle)[1]) then
      high = middle
    else
      low = middle + 1
    end
  end
  return low
end

local function lookAtNext()
  local first = ARGV[4] == '' and 0 or rankBehind(ARGV[3], ARGV[4])
  local behind = math.min(first + tonumber(ARGV[5]), redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[2]))
  if behind <= first then return {} end
  return redis.call('ZRANGE', KEYS[1], first, behind - 1)
end

local function lookAtGiven()
  local ids, times = {}, {}
  for i = 6, #ARGV do
    local at = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or ARGV[2])
    if at < tonumber(ARGV[2]) and not times[ARGV[i]] then
      ids[#ids + 1] = ARGV[i]
      times[ARGV[i]] = at
    end
  end
  table.sort(ids, function(a, b)
    if times[a] ~= times[b] then return times[a] < times[b] end
    return isBefore(a, b)
  end)
  return ids
end

local function inAll(ids)
  for set = 3, #KEYS do
    if #ids == 0 then return ids end
    local there = redis.call('ZMSCORE', KEYS[set], unpack(ids))
    local kept = {}
    for i, id in ipairs(ids) do
      if there[i] then kept[#kept + 1] = id end
    end
    ids = kept
  end
  return ids
end

-- Times are asked for where they are needed only: writing a thousand of them as text takes longer than all the rest.
local function timeOf(id) return redis.call('ZSCORE', KEYS[1], id) end

local function addGroups(reply, ids)
  if #ids == 0 then return end
  local filed = redis.call('HMGET', KEYS[2], unpack(ids))
  local order, counts, oldest, newest = {}, {}, {}, {}
  for i, id in ipairs(ids) do
    -- A group's id has 16 characters.
    local group = string.sub(filed[i] or '', 1, 16)
    if not counts[group] then
      order[#order + 1] = group
      counts[group] = 0
      oldest[group] = id
    end
    counts[group] = counts[group] + 1
    newest[group] = id
  end
  for _, group in ipairs(order) do
    local first = oldest[group]
    for _, value in ipairs({ group, counts[group], timeOf(first), timeOf(newest[group]), first }) do
      reply[#reply + 1] = value
    end
  end
end

local given = ARGV[6] ~= nil
local ids = given and lookAtGiven() or lookAtNext()
local last = ''
if not given and #ids == tonumber(ARGV[5]) then last = ids[#ids] end
local reply = { last == '' and '' or timeOf(last), last }
local found = inAll(ids)
if ARGV[1] == 'groups' then
  addGroups(reply, found)
elseif ARGV[1] == 'count' then
  reply[3] = #found
else
  for _, id in ipairs(found) do reply[#reply + 1] = id end
end
return reply
