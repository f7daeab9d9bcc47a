--[[
REPLAY_CUT: cuts the next events of a replay's window into a run, by compare-and-set of the replay's cursor. At most one
run of it waits unleased; with order by key its events take their turn in the keys.

ARGV[2] replay   ARGV[3] its cursor, as the caller read it   ARGV[4] ledger id up to which the window is done with this
ARGV[5] number of events   ARGV[6] one byte an event, 'o' owed or '-' not to be replayed, or '' when all are owed
ARGV[7] with order by key: one key an event (see order.lua), else ''   ARGV[8] their ledger ids, spaced
ARGV[9] most events parked before a cut with order by key

Reply: {'cut', ticket} | {'passed'} when none was owed or all were parked | {'moved'} | {'full'}
   or  {'over'} when the replay was cut to its end or cancelled, or the consumer is gone
]]
--- @include "record"
--- @include "order"
--- @include "claim"
local live, phase, replay, cursor, to, redo, ordered = unpack(redis.call('HMGET', state, 'cursor', 'replay_phase', 'replay',
  'replay_cursor', 'replay_to', 'replay_redo', 'ordered'))
if not live or phase ~= 'running' or replay ~= ARGV[2] then return {'over'} end
if cursor ~= ARGV[3] then return {'moved'} end
if redis.call('SCARD', replay_ready) > 0 then return {'full'} end
local keys = ARGV[7]
if not order_admits(ordered, keys, tonumber(ARGV[9])) then return {'full'} end

local n = tonumber(ARGV[5])
local states = ARGV[6] ~= '' and ARGV[6] or string.rep('o', n)
redis.call('HSET', state, 'replay_cursor', ARGV[4])
redis.call('HINCRBY', state, 'replay_passed', n)
if ARGV[4] == to then
  redis.call('HDEL', state, 'replay_phase')
  redis.call('UNLINK', prefix .. 'spared')
end
local owed = owed_in(states)
if owed == 0 then return {'passed'} end

local range = {from = cursor, to = ARGV[4], count = n, skip = 0, lapses = 0}
mark_replayed(range, redo)
count_owed(range, owed)
local offset = 0
if keys ~= '' then
  states = claim({from = cursor, n = n, states = states, keys = keys, ids = ARGV[8], redo = redo})
  if owed_in(states) == 0 then return {'passed'} end
  range.keys = keys
  offset = string.find(states, 'o', 1, true) - 1
  states = string.match(string.sub(states, offset + 1), '^(.*o)')
end
local record = create(range, offset, states, {kind = 'run'})
make_ready(record)
return {'cut', record.id .. '-' .. record.ticket}
