--[[
The limit of events that are leased and unsettled. They are counted in the leased runs whenever it matters, so that no
counter can drift. A run that does not fit waits in `throttled`, without a ticket; whoever makes room issues the next one.
]]

-- Events leased and unsettled, counted up to `enough`.
local function in_flight(enough)
  local count = 0
  for _, id in ipairs(redis.call('ZRANGE', schedule, 0, -1)) do
    local record = redis.call('HMGET', run_key(id), 'deadline', 'states')
    if record[1] and record[1] ~= '' then count = count + owed_in(record[2]) end
    if count >= enough then break end
  end
  return count
end

local function throttle(record)
  redis.call('ZADD', throttled, redis.call('HINCRBY', state, 'throttle_sequence', 1), record.id)
end

-- Issues the ticket of the run that was throttled first when there is room (any, when the limit is '').
local function admit(limit)
  while redis.call('ZCARD', throttled) > 0 do
    if limit ~= '' and in_flight(tonumber(limit)) >= tonumber(limit) then return end
    local record = read(redis.call('ZPOPMIN', throttled)[1])
    if record then
      issue_ticket(record)
      -- Its lease admits the next, if there is room left.
      if limit ~= '' then return end
    end
  end
end
