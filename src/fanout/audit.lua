--[[
Finds waiting runs whose BullMQ ticket may be lost, and gives such a run a new one.

ARGV[2] 'list', ARGV[3] limit     Reply: tickets that unleased runs count on and that are not pending
ARGV[2] 'replace', ARGV[3] run, ARGV[4] ticket that BullMQ does not have   Reply: 1 replaced, 0 no longer counted on
]]
--- @include "record"
local function waiting(id)
  local record = read(id)
  if not record or record.deadline ~= '' then return nil end
  if redis.call('ZSCORE', lane, id) or redis.call('ZSCORE', throttled, id) then return nil end
  if redis.call('SISMEMBER', dying, id) == 1 then return nil end
  return record
end

if ARGV[2] == 'replace' then
  local record = waiting(ARGV[3])
  if not record or record.id .. '-' .. record.ticket ~= ARGV[4] then return 0 end
  issue_ticket(record)
  return 1
end

local tickets = {}
for _, id in ipairs(redis.call('ZRANGE', open, 0, tonumber(ARGV[3]) - 1)) do
  local record = waiting(id)
  if record then
    local ticket = record.id .. '-' .. record.ticket
    if redis.call('HEXISTS', pending, ticket) == 0 then tickets[#tickets + 1] = ticket end
  end
end
return tickets
