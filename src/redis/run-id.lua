-- Which run of a Redis server this is: another after every restart, and on another server. '' where it is not told.
local function runId()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
end
