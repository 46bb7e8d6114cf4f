-- The oldest entries of a batch's stream as the text that goes to its files, read in one step with the fence.
-- Joined here, because taking thousands of replies apart costs the reader more than all the rest of its work.
-- KEYS 1 lease (string: holder and epoch)  2 results (stream)
-- ARGV 1 the lease as the caller holds it  2 most entries  3 bytes with which a portion is large enough
-- reply: false when a newer holder of the lease has taken over, or else
--        1 entries  2 stream position of the last one ('' none)  3 bytes of their lines and letters
--        4 lines for the results, each with its end  5 the same for the errors  6… dead letters (JSON)
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
local most, enough = tonumber(ARGV[2]), tonumber(ARGV[3])
local STEP = 100
local lines, letters = { completed = {}, dead = {} }, {}
local count, bytes, last, from = 0, 0, '', '-'

while count < most and bytes < enough do
  local entries = redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', math.min(STEP, most - count))
  for _, entry in ipairs(entries) do
    -- As record.lua writes them: i, index, g, generation, k, kind, l, line, d, letter.
    local kind, line, letter = entry[2][6], entry[2][8], entry[2][10]
    local file = lines[kind]
    file[#file + 1] = line
    if letter ~= '' then letters[#letters + 1] = letter end
    count, bytes, last = count + 1, bytes + #line + #letter, entry[1]
  end
  if #entries < STEP then break end
  from = '(' .. last
end

local function text(file) return #file == 0 and '' or table.concat(file, '\n') .. '\n' end
local reply = { count, last, bytes, text(lines.completed), text(lines.dead) }
for _, letter in ipairs(letters) do reply[#reply + 1] = letter end
return reply
