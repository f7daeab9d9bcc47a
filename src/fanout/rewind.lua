--[[
REWIND: brings a cursor that names an entry the ledger has lost back to where the ledger ended then, by compare-and-set:
what was recorded since must come after the cursor, whatever the clock of the Redis that took over.

ARGV[2] cursor the caller read   ARGV[3] ledger id to bring it back to   ARGV[4] number of ledger events up to that
Reply: 1 when the cursor was moved, else 0
]]
if redis.call('HGET', KEYS[1], 'cursor') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'cursor', ARGV[3], 'ordinal', ARGV[4])
redis.call('HINCRBY', KEYS[1], 'rewound', 1)
return 1
