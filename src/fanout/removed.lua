--[[
REMOVED: counts events that were gone from the ledger before they were cut as passed by the cursor and as removed, by
compare-and-set. What was counted and is delivered after all, from a sidecar's memory, is counted back.

ARGV[2] removed, ARGV[3] rewound as the caller read them together with cursor and ordinal   ARGV[4] events, < 0 to count back
ARGV[5] ledger id before which they came
Reply: 1 when they were counted, else 0
]]
local removed, rewound = unpack(redis.call('HMGET', KEYS[1], 'removed', 'rewound'))
if (removed or '0') ~= ARGV[2] or (rewound or '0') ~= ARGV[3] then return 0 end
redis.call('HINCRBY', KEYS[1], 'ordinal', ARGV[4])
redis.call('HINCRBY', KEYS[1], 'removed', ARGV[4])
if tonumber(ARGV[4]) > 0 then redis.call('HSET', KEYS[1], 'removed_before', ARGV[5]) end
return 1
