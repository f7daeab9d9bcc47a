--[[
ADVANCE: cuts the events between the cursor and a later ledger id into a run, by compare-and-set of the cursor. The run
waits for its BullMQ ticket, or, when a pull waits here, is leased to it in the same step and needs no ticket unless it
lapses. Never more than `limit` runs wait unleased, so that runs grow with the consumer's pace.

ARGV[2] cursor the caller read   ARGV[3] ledger id of the run's last event   ARGV[4] number of events
ARGV[5] limit of unleased runs   ARGV[6] '1' when the caller knows of later events
ARGV[7] nonce of a lease, or '' for a ticket; the same nonce gets the same run again   ARGV[8] ack_wait (ms)
ARGV[9] one byte an event, 'o' owed or '-' not for this consumer, or '' when all are owed
ARGV[10] most events to lease with the nonce, '' any number   ARGV[11] most events in flight, '' no limit
ARGV[12] for a consumer with order by key: one key an event (see order.lua), else ''   ARGV[13] their ledger ids, spaced

Reply: {'cut', ticket} | {'passed'} when none was owed or all were parked | {'moved', cursor} | {'full'} | {'absent'}
   or  {'leased', run}, with order by key {'leased', run, states, events of the cut before the run's first}
]]
--- @include "record"
--- @include "order"
--- @include "claim"
--- @include "in-flight"
local cursor, ordered = unpack(redis.call('HMGET', state, 'cursor', 'ordered'))
if not cursor then return {'absent'} end
local nonce, keys = ARGV[7], ARGV[12]

local function leased(id)
  if keys == '' then return {'leased', id} end
  local states, skip = unpack(redis.call('HMGET', run_key(id), 'states', 'skip'))
  return states and {'leased', id, states, tonumber(skip)}
end

if cursor ~= ARGV[2] then
  local handed = nonce ~= '' and redis.call('HGET', state, 'handed')
  local id = handed and string.match(handed, '^(%S+) ' .. string.gsub(nonce, '%-', '%%-') .. '$')
  return id and leased(id) or {'moved', cursor}
end
if redis.call('SCARD', ready) >= tonumber(ARGV[5]) then
  redis.call('HSET', state, 'behind', '1')
  return {'full'}
end
if not order_admits(ordered, keys, MAX_PARKED) then
  redis.call('HSET', state, 'crowded', '1')
  return {'full'}
end

local n = tonumber(ARGV[4])
local states = ARGV[9] ~= '' and ARGV[9] or string.rep('o', n)
local owed = owed_in(states)
redis.call('HSET', state, 'cursor', ARGV[3], 'behind', ARGV[6])
redis.call('HINCRBY', state, 'ordinal', n)
if owed < n then redis.call('HINCRBY', state, 'skipped', n - owed) end
if owed == 0 then return {'passed'} end
redis.call('HINCRBY', state, 'owed', owed)

local offset = 0
local range = {from = cursor, to = ARGV[3], count = n, skip = 0, lapses = 0}
if keys ~= '' then
  states = claim({from = cursor, n = n, states = states, keys = keys, ids = ARGV[13]})
  owed = owed_in(states)
  if owed == 0 then return {'passed'} end
  range.keys = keys
  offset = string.find(states, 'o', 1, true) - 1
  states = string.match(string.sub(states, offset + 1), '^(.*o)')
end

local function fits_in_flight()
  if nonce == '' or owed > (tonumber(ARGV[10]) or owed) then return false end
  local limit = tonumber(ARGV[11])
  return not limit or (redis.call('ZCARD', throttled) == 0 and in_flight(limit) + owed <= limit)
end

local record = create(range, offset, states, {kind = 'run'})
if not fits_in_flight() then
  make_ready(record)
  return {'cut', record.id .. '-' .. record.ticket}
end
local deadline = now + tonumber(ARGV[8])
redis.call('HSET', run_key(record.id), 'gen', 1, 'deadline', deadline, 'holder', nonce)
redis.call('ZADD', schedule, deadline, record.id)
redis.call('HSET', state, 'handed', record.id .. ' ' .. nonce)
return leased(record.id)
