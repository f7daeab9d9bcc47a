--[[
Registers or raises one holder's trim floor; a floor never falls, so a slow writer cannot undo a newer one.

KEYS[1] floors hash
ARGV[1] holder   ARGV[2] ledger id: everything up to it is settled

Reply: the floor now in force
]]
local current = redis.call('HGET', KEYS[1], ARGV[1])
if current then
  local ams, aseq = string.match(current, '^(%d+)-(%d+)$')
  local bms, bseq = string.match(ARGV[2], '^(%d+)-(%d+)$')
  ams, bms = tonumber(ams), tonumber(bms)
  if ams > bms or (ams == bms and tonumber(aseq) >= tonumber(bseq)) then
    return current
  end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return ARGV[2]
