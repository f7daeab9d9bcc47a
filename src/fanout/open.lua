--[[
Creates the cursor of a (consumer, topic) once. The caller has registered its trim floor before.

ARGV[2] cursor: ledger id after which the first owed event comes   ARGV[3] number of ledger events before it
ARGV[4] number of ledger events in all: when the cursor has passed them, the newcomer has caught up
Reply: {'opened' | 'known', cursor}, or {'retiring'} when what it had before is not removed to the end
]]
if redis.call('HEXISTS', KEYS[1], 'retiring') == 1 then return {'retiring'} end
if redis.call('HSETNX', KEYS[1], 'cursor', ARGV[2]) == 1 then
  redis.call('HSET', KEYS[1], 'ordinal', ARGV[3], 'joined_at', ARGV[3], 'joined_total', ARGV[4])
  return {'opened', ARGV[2]}
end
return {'known', redis.call('HGET', KEYS[1], 'cursor')}
