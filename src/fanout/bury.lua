--[[
BURY: turns a run marked as dying into a dead letter with a copy of its envelope, once.

ARGV[2] run   ARGV[3] envelope   ARGV[4] ledger id of the event, '' when it was redriven from its own copy
Reply: id of the dead letter, or '' when another sidecar was first
]]
--- @include "record"
if redis.call('SREM', dying, ARGV[2]) == 0 then return '' end
local record = read(ARGV[2])
if not record then return '' end
local id = redis.call('XADD', dead, '*', 'envelope', ARGV[3], 'reason', record.reason,
  'attempts', record.attempts, 'event', ARGV[4],
  unpack(record.replayed == '1' and {'replayed', '1', 'redo', record.redo or ''} or {}))
redis.call('DEL', run_key(record.id))
redis.call('ZREM', open, record.id)
redis.call('ZREM', schedule, record.id)
count_owed(record, -1)
redis.call('HINCRBY', state, 'dead', 1)
return id
