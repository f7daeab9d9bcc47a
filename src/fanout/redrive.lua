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
-- Far above every ledger id: a redriven event carries its own envelope and holds no part of the ledger.
local parent = {from = '9000000000000-0', to = '9000000000000-0', skip = 0, lapses = 0, body = fields.envelope}
local record = create(parent, 0, 'o', {kind = 'single', reason = fields.reason})
issue_ticket(record)
redis.call('XDEL', dead, ARGV[2])
redis.call('HINCRBY', state, 'owed', 1)
redis.call('HINCRBY', state, 'dead', -1)
return {record.id .. '-' .. record.ticket}
