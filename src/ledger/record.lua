--[[
Records a batch of envelopes in one topic's ledger, each (source, id) once.

KEYS[1]   ledger stream
KEYS[2]   meta hash (total, epoch)
KEYS[3..] one key per event that remembers its (source, id)
ARGV[1]   epoch of the fenced reader, or '' for a writer that is not the intake reader
ARGV[2]   how long an id is remembered (ms)
ARGV[3..] digest, envelope, systems it came through; repeated per event

Reply: {'fenced', current epoch}
   or  {'ok', id of the last entry before this batch, total after it, then per event: status, ledger id}
       status: 'new', 'duplicate' (same body recorded before) or 'conflict' (same id, other body)
]]
local epoch = ARGV[1]
if epoch ~= '' then
  local current = tonumber(redis.call('HGET', KEYS[2], 'epoch') or '0')
  if tonumber(epoch) < current then
    return {'fenced', tostring(current)}
  end
  if tonumber(epoch) > current then
    redis.call('HSET', KEYS[2], 'epoch', epoch)
  end
end
local before = redis.call('HGET', KEYS[2], 'last') or '0-0'
local last = before
local reply = {'ok', before, 0}
local added = 0
for i = 3, #KEYS do
  local at = 3 + (i - 3) * 3
  local digest, envelope, systems = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local seen = redis.call('GET', KEYS[i])
  if seen then
    local known, id = string.match(seen, '^(%S+) (%S+)$')
    reply[#reply + 1] = known == digest and 'duplicate' or 'conflict'
    reply[#reply + 1] = id
  else
    local id = redis.call('XADD', KEYS[1], '*', 'e', envelope, 's', systems)
    redis.call('SET', KEYS[i], digest .. ' ' .. id, 'PX', ARGV[2])
    last = id
    added = added + 1
    reply[#reply + 1] = 'new'
    reply[#reply + 1] = id
  end
end
reply[3] = redis.call('HINCRBY', KEYS[2], 'total', added)
if added > 0 then
  redis.call('HSET', KEYS[2], 'last', last)
end
return reply
