--[[
REDRIVE: owes a dead letter to its consumer again, from its own copy of the envelope, with fresh attempts.

ARGV[2] id of the dead letter
Reply: {ticket}, or {} when there is no such dead letter
]]
--- @include "record"
local entry = redis.call('XRANGE', dead, ARGV[2], ARGV[2])[1]
if not entry then return {} end
local fields = {}
for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
-- It claims no key: its order was given up when it became a dead letter.
local parent = {from = REDRIVEN, to = REDRIVEN, skip = 0, lapses = 0, body = fields.envelope, replayed = fields.replayed}
if fields.redo and fields.redo ~= '' then parent.redo = fields.redo end
local record = create(parent, 0, 'o', {kind = 'single', reason = fields.reason})
issue_ticket(record)
redis.call('XDEL', dead, ARGV[2])
count_owed(record, 1)
redis.call('HINCRBY', state, 'dead', -1)
return {record.id .. '-' .. record.ticket}
