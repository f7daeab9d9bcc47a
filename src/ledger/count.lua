--[[
Counts entries, so many at a time that nobody waits long for it.

KEYS[1] ledger stream
ARGV[1] ledger id after which to begin   ARGV[2] ledger id up to which   ARGV[3] most entries to look at

Reply: {number of entries, first id, last id}, or {0}
]]
local entries = redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], ARGV[2], 'COUNT', ARGV[3])
if #entries == 0 then return {0} end
return {#entries, entries[1][1], entries[#entries][1]}
