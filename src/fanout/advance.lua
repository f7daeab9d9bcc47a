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

-- Events of runs that were cut without order have unknown keys.
local function unordered_open()
  local at = 0
  repeat
    local ids = redis.call('ZRANGEBYSCORE', open, '-inf', '(' .. position(REDRIVEN), 'LIMIT', at, 100)
    for _, id in ipairs(ids) do
      if redis.call('HEXISTS', run_key(id), 'keys') == 0 and redis.call('SISMEMBER', dying, id) == 0 then return true end
    end
    at = at + #ids
  until #ids == 0
  return false
end

if keys ~= '' then
  if redis.call('ZCARD', parked) >= MAX_PARKED or (ordered ~= '1' and unordered_open()) then
    redis.call('HSET', state, 'crowded', '1')
    return {'full'}
  end
  if ordered ~= '1' then redis.call('HSET', state, 'ordered', '1') end
elseif ordered == '1' then
  redis.call('HDEL', state, 'ordered')
end

local n = tonumber(ARGV[4])
local states = ARGV[9] ~= '' and ARGV[9] or string.rep('o', n)
local owed = owed_in(states)
redis.call('HSET', state, 'cursor', ARGV[3], 'behind', ARGV[6])
redis.call('HINCRBY', state, 'ordinal', n)
if owed < n then redis.call('HINCRBY', state, 'skipped', n - owed) end
if owed == 0 then return {'passed'} end
redis.call('HINCRBY', state, 'owed', owed)

local function park(indexes)
  local ids = {}
  for id in string.gmatch(ARGV[13], '%S+') do ids[#ids + 1] = id end
  local block = string.format('%0' .. BLOCK .. 'd', redis.call('HINCRBY', state, 'block_sequence', 1))
  local members = {}
  for _, index in ipairs(indexes) do
    members[#members + 1] = 0
    members[#members + 1] = key_at(keys, index) .. block .. string.format('%0' .. INDEX .. 'd', index) .. ':' .. ids[index]
  end
  redis.call('ZADD', parked, unpack(members))
  redis.call('ZADD', blocks, position(cursor), block)
  redis.call('HSET', left, block, #indexes)
end

-- Parks the owed events whose key is taken, by an earlier run or earlier in this cut, and takes the keys of the others.
local function claim()
  local distinct, indexes_of = {}, {}
  for index = 1, n do
    local key = key_at(keys, index)
    if key ~= BLANK and string.byte(states, index) == OWED then
      if not indexes_of[key] then
        distinct[#distinct + 1], indexes_of[key] = key, {}
      end
      table.insert(indexes_of[key], index)
    end
  end
  if #distinct == 0 then return end
  local taken = redis.call('SMISMEMBER', held, unpack(distinct))
  local claimed, parking, bytes = {}, {}, {string.byte(states, 1, n)}
  for i, key in ipairs(distinct) do
    if taken[i] == 0 then claimed[#claimed + 1] = key end
    for nth, index in ipairs(indexes_of[key]) do
      if taken[i] == 1 or nth > 1 then
        parking[#parking + 1] = index
        bytes[index] = ABSENT
      end
    end
  end
  if #claimed > 0 then redis.call('SADD', held, unpack(claimed)) end
  if #parking > 0 then park(parking) end
  states = string.char(unpack(bytes))
end

local offset = 0
local range = {from = cursor, to = ARGV[3], skip = 0, lapses = 0}
if keys ~= '' then
  claim()
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
