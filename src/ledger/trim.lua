--[[
Removes what is older than the retention and owed to nobody. Reads the floors itself, in the topic's own tag, so no
caller can trim by a floor it read earlier. A consumer that has no floor yet holds everything.

KEYS[1] ledger stream   KEYS[2] floors hash (holder -> ledger id; everything up to it is settled)
ARGV[1] oldest ledger id the retention keeps   ARGV[2..] consumers that must have a floor

Reply: {number of entries removed, id below which everything may go}
]]
local function older(a, b)
  local ams, aseq = string.match(a, '^(%d+)-(%d+)$')
  local bms, bseq = string.match(b, '^(%d+)-(%d+)$')
  ams, bms = tonumber(ams), tonumber(bms)
  if ams ~= bms then return ams < bms end
  return tonumber(aseq) < tonumber(bseq)
end
for i = 2, #ARGV do
  if redis.call('HEXISTS', KEYS[2], ARGV[i]) == 0 then
    return {0, '0-0'}
  end
end
local keep = ARGV[1]
local floors = redis.call('HVALS', KEYS[2])
for _, floor in ipairs(floors) do
  if older(floor, keep) then keep = floor end
end
return {redis.call('XTRIM', KEYS[1], 'MINID', keep), keep}
