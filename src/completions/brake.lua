-- The brake, for record.lua: when nearly all of the last outcomes of a batch are dead with one code, the batch stops and
-- a person is asked, so that one mistake does not become 100,000 dead letters.
local BRAKE = { least = 20, window = 200, percent = 95, codes = 60 }

-- Notes outcomes, '' for an answer and else the code, as a string of one mark each: the last 200 of the batch. Gives
-- { code, count, of } when nearly all of them are one code that nobody has excused.
local function noteOutcomes(batch, outcomes)
  local known = redis.call('HMGET', batch, 'outcomes', 'outcomeCodes', 'brakeExcused')
  local list, marks, count = known[2] or '', {}, 0
  for code in string.gmatch(list, '[^\n]+') do
    count = count + 1
    marks[code] = string.char(64 + count)
  end
  local added, died = {}, false
  for i, outcome in ipairs(outcomes) do
    local code = (string.gsub(outcome, '\n', ' '))
    if code ~= '' and not marks[code] and count < BRAKE.codes then
      count = count + 1
      marks[code] = string.char(64 + count)
      list = list .. code .. '\n'
    end
    died = died or code ~= ''
    added[i] = code == '' and '.' or marks[code] or '?'
  end
  local last = string.sub((known[1] or '') .. table.concat(added), -BRAKE.window)
  redis.call('HSET', batch, 'outcomes', last, 'outcomeCodes', list)
  if not died or #last < BRAKE.least then return nil end
  local counts = {}
  for mark in string.gmatch(last, '.') do counts[mark] = (counts[mark] or 0) + 1 end
  for code, mark in pairs(marks) do
    local excused = string.find('\n' .. (known[3] or ''), '\n' .. code .. '\n', 1, true)
    if not excused and (counts[mark] or 0) * 100 >= #last * BRAKE.percent then
      return { code = code, count = counts[mark], of = #last }
    end
  end
  return nil
end

-- Stops the batch, and puts the one alert into the outbox in the same step. `letter`: JSON of the last of the dead.
local function pullBrake(batch, id, queue, hit, letter, active, draining, outbox)
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local read, dead = pcall(cjson.decode, letter)
  local message = read and type(dead.failure) == 'table' and tostring(dead.failure.message) or ''
  message = string.sub((string.gsub(message, '%s+', ' ')), 1, 300)
  local brake = { batch = id, queue = queue, code = hit.code, count = hit.count, of = hit.of, message = message, at = now }
  local reason = 'the brake: ' .. hit.count .. ' of its last ' .. hit.of .. ' requests failed with ' .. hit.code
  if message ~= '' then reason = reason .. ', for example: ' .. message end
  redis.call('HSET', batch, 'state', 'stopped', 'reason', reason, 'finishedAt', now, 'braked', cjson.encode(brake))
  redis.call('SREM', active, id)
  redis.call('SADD', draining, id)
  local pulls = redis.call('HINCRBY', batch, 'brakes', 1)
  redis.call('HSET', outbox, id .. '-braked-' .. pulls .. '-' .. now, cjson.encode({ type = 'batch.braked', brake = brake }))
end
