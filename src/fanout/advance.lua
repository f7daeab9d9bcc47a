--[[
ADVANCE: cuts the events between the cursor and a later ledger id into a run, by compare-and-set of the cursor, and
owes BullMQ the run's ticket. Never more than `limit` runs wait unleased, so that runs grow with the consumer's pace.

ARGV[2] cursor the caller read   ARGV[3] ledger id of the run's last event   ARGV[4] number of events
ARGV[5] limit of unleased runs   ARGV[6] '1' when the caller knows of later events

Reply: {'cut', ticket} | {'moved', cursor} | {'full'} | {'absent'}
]]
--- @include "record"
local cursor = redis.call('HGET', state, 'cursor')
if not cursor then return {'absent'} end
if cursor ~= ARGV[2] then return {'moved', cursor} end
if redis.call('SCARD', ready) >= tonumber(ARGV[5]) then
  redis.call('HSET', state, 'behind', '1')
  return {'full'}
end
local n = tonumber(ARGV[4])
local range = {from = cursor, to = ARGV[3], skip = 0, lapses = 0}
local record = create(range, 0, string.rep('o', n), {kind = 'run'})
make_ready(record)
redis.call('HSET', state, 'cursor', ARGV[3], 'behind', ARGV[6])
redis.call('HINCRBY', state, 'ordinal', n)
redis.call('HINCRBY', state, 'owed', n)
return {'cut', record.id .. '-' .. record.ticket}
