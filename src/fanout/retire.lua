--[[
RETIRE: removes the delivery state of a consumer that is served no longer, in steps that are short however much there is.
`begin` takes the cursor away, so that nothing is cut any more; the state stays until all else is gone, marked as
retiring, so that what breaks off half-way is known and finished. What became a newcomer's meanwhile is left alone.

ARGV[2] 'begin' | 'step'   ARGV[3] most runs to remove in the step
Reply: {'begun'} | {'more'} | {'done'}
]]
--- @include "record"
--- @include "order"
if ARGV[2] == 'begin' then
  redis.call('HDEL', state, 'cursor')
  redis.call('HSET', state, 'retiring', '1')
  return {'begun'}
end

if redis.call('HEXISTS', state, 'retiring') == 0 then return {'done'} end
local ids = redis.call('ZRANGE', open, 0, tonumber(ARGV[3]) - 1)
if #ids > 0 then
  local runs = {}
  for i, id in ipairs(ids) do runs[i] = run_key(id) end
  redis.call('UNLINK', unpack(runs))
  redis.call('ZREM', open, unpack(ids))
  return {'more'}
end
-- UNLINK takes the names away at once and frees the memory in a thread of its own.
redis.call('UNLINK', ready, replay_ready, prefix .. 'spared', schedule, delayed, throttled, pending, lane, dying, dead, held, parked, freed, blocks, left, state)
return {'done'}
