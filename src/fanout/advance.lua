--[[
ADVANCE: cuts the events between the cursor and a later ledger id into a run, by compare-and-set of the cursor. The run
waits for its BullMQ ticket, or, when a pull waits here, is leased to it in the same step and needs no ticket unless it
lapses. Never more than `limit` runs wait unleased, so that runs grow with the consumer's pace.

ARGV[2] cursor the caller read   ARGV[3] ledger id of the run's last event   ARGV[4] number of events
ARGV[5] limit of unleased runs   ARGV[6] '1' when the caller knows of later events
ARGV[7] nonce of a lease, or '' for a ticket; the same nonce gets the same run again   ARGV[8] ack_wait (ms)
ARGV[9] one byte an event, 'o' owed or '-' not for this consumer, or '' when all are owed

Reply: {'cut', ticket} | {'passed'} when none was owed | {'leased', run} | {'moved', cursor} | {'full'} | {'absent'}
]]
--- @include "record"
local cursor = redis.call('HGET', state, 'cursor')
if not cursor then return {'absent'} end
local nonce = ARGV[7]
if cursor ~= ARGV[2] then
  local handed = nonce ~= '' and redis.call('HGET', state, 'handed')
  local id = handed and string.match(handed, '^(%S+) ' .. string.gsub(nonce, '%-', '%%-') .. '$')
  if id then return {'leased', id} end
  return {'moved', cursor}
end
if redis.call('SCARD', ready) >= tonumber(ARGV[5]) then
  redis.call('HSET', state, 'behind', '1')
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
local range = {from = cursor, to = ARGV[3], skip = 0, lapses = 0}
local record = create(range, 0, states, {kind = 'run'})
if nonce == '' then
  make_ready(record)
  return {'cut', record.id .. '-' .. record.ticket}
end
local deadline = now + tonumber(ARGV[8])
redis.call('HSET', run_key(record.id), 'gen', 1, 'deadline', deadline, 'holder', nonce)
redis.call('ZADD', schedule, deadline, record.id)
redis.call('HSET', state, 'handed', record.id .. ' ' .. nonce)
return {'leased', record.id}
