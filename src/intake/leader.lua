--[[
One reader of the intake at a time. Each change of hands is a new epoch, which fences the old reader out of the ledger.

The leader's registry is the one in force: it stays so when the leader is gone, until a sidecar leads whose registry is
newer to the bus, because it was started or reloaded with it.

KEYS[1] leader hash
ARGV[1] 'claim' | 'look' (what a claim would get, without claiming) | 'release'   ARGV[2] holder   ARGV[3] registry digest   ARGV[4] term (ms)
ARGV[5] '1' when a free lead may be taken with a registry that is not the one in force   ARGV[6] least epoch
Reply: {'leader', epoch} | {'follower', holder, digest, expires in (ms)} | {'released'}
]]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local current = redis.call('HMGET', KEYS[1], 'holder', 'epoch', 'expires', 'digest')
local holder, epoch, expires = current[1], tonumber(current[2] or '0'), tonumber(current[3] or '0')
if ARGV[1] == 'release' then
  if holder == ARGV[2] then redis.call('HSET', KEYS[1], 'expires', 0, 'holder', '') end
  return {'released'}
end
if holder and holder ~= '' and holder ~= ARGV[2] and expires > now then
  return {'follower', holder, current[4] or '', expires - now}
end
local in_force = current[4] or ''
if holder ~= ARGV[2] and ARGV[5] ~= '1' and in_force ~= '' and in_force ~= ARGV[3] then
  return {'follower', holder or '', in_force, 0}
end
if ARGV[1] == 'look' then return {'leader', epoch} end
-- Epochs keep up with the clock: a Redis that lost this hash must not give out one that a ledger has seen.
local least = tonumber(ARGV[6])
if holder ~= ARGV[2] or expires <= now or epoch < least then epoch = math.max(epoch + 1, now, least) end
redis.call('HSET', KEYS[1], 'holder', ARGV[2], 'epoch', epoch, 'expires', now + tonumber(ARGV[4]), 'digest', ARGV[3])
return {'leader', epoch}
