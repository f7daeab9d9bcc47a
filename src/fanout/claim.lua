--[[
What a cut with order by key does, from the live cursor or of a replay: `keys` has one key an event, '' without order.
]]
-- Events of runs that were cut without order have unknown keys.
local function unordered_open()
  local at = 0
  repeat
    local ids = redis.call('ZRANGEBYSCORE', open, '-inf', '(' .. position(REDRIVEN), 'LIMIT', at, 100)
    for _, id in ipairs(ids) do
      if redis.call('HEXISTS', run_key(id), 'keys') == 0 and redis.call('SISMEMBER', dying, id) == 0 then return true end
    end
    at = at + #ids
  until #ids == 0
  return false
end

-- Whether a cut may be made now, with at most that many events parked before it; `ordered` as the state has it.
local function order_admits(ordered, keys, most_parked)
  if keys == '' then
    if ordered == '1' then redis.call('HDEL', state, 'ordered') end
    return true
  end
  if redis.call('ZCARD', parked) >= most_parked or (ordered ~= '1' and unordered_open()) then return false end
  if ordered ~= '1' then redis.call('HSET', state, 'ordered', '1') end
  return true
end

local function park(cut, indexes)
  local ids = {}
  for id in string.gmatch(cut.ids, '%S+') do ids[#ids + 1] = id end
  local block = string.format('%0' .. BLOCK .. 'd', redis.call('HINCRBY', state, 'block_sequence', 1))
  local members = {}
  for _, index in ipairs(indexes) do
    members[#members + 1] = 0
    members[#members + 1] = key_at(cut.keys, index) .. block .. string.format('%0' .. INDEX .. 'd', index)
      .. ':' .. ids[index]
  end
  redis.call('ZADD', parked, unpack(members))
  redis.call('ZADD', blocks, position(cut.from), block)
  redis.call('HSET', left, block, #indexes)
  if cut.redo then redis.call('HSET', left, block .. 'r', cut.redo) end
end

-- Parks the owed events whose key is taken, by an earlier run or earlier in this cut, and takes the keys of the others.
-- `cut` has from, n, states, keys, ids and, of a replay, redo. Returns the states without what was parked.
local function claim(cut)
  local distinct, indexes_of = {}, {}
  for index = 1, cut.n do
    local key = key_at(cut.keys, index)
    if key ~= BLANK and string.byte(cut.states, index) == OWED then
      if not indexes_of[key] then
        distinct[#distinct + 1], indexes_of[key] = key, {}
      end
      table.insert(indexes_of[key], index)
    end
  end
  if #distinct == 0 then return cut.states end
  local taken = redis.call('SMISMEMBER', held, unpack(distinct))
  local claimed, parking, bytes = {}, {}, {string.byte(cut.states, 1, cut.n)}
  for i, key in ipairs(distinct) do
    if taken[i] == 0 then claimed[#claimed + 1] = key end
    for nth, index in ipairs(indexes_of[key]) do
      if taken[i] == 1 or nth > 1 then
        parking[#parking + 1] = index
        bytes[index] = ABSENT
      end
    end
  end
  if #claimed > 0 then redis.call('SADD', held, unpack(claimed)) end
  if #parking > 0 then park(cut, parking) end
  return string.char(unpack(bytes))
end
