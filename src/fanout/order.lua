--[[
Order by key. A key is a digest of WIDTH bytes, a record's field `keys` has one an event, all blank for an event without a
key. At most one event of a key is in an open run; later ones wait, first in `parked`, then, once the earlier one is acked
or decided to be a dead letter, in `freed` until a run is cut of what is there. A nack, a release and a lapse free nothing.

held      keys of which an event is in an open run or in freed
parked    score 0, <key><block><index>:<ledger id>: in lexical order a key's oldest comes first
freed     score 0, <block><index><key>:<ledger id>: in lexical order the oldest comes first
blocks    number of each cut that has events in parked or freed, scored by ledger position: it holds the ledger
left      how many of its events are in parked or freed, and in <block>r, for a block that a replay cut, its redo or ''
]]
local held, parked, freed = prefix .. 'held', prefix .. 'parked', prefix .. 'freed'
local blocks, left = prefix .. 'blocks', prefix .. 'left'
local WIDTH, BLOCK, INDEX = KEY_WIDTH, 12, 3
local BLANK = string.rep(' ', WIDTH)
local MAX_PARKED, RESUME_PARKED = 5000, 4500

local function mark_replayed(range, redo)
  range.replayed = '1'
  if redo ~= '' then range.redo = redo end
end

local function key_at(keys, index)
  return string.sub(keys, (index - 1) * WIDTH + 1, index * WIDTH)
end

-- The ledger id right below `id`, so that a range may begin with the event itself.
local function below(id)
  local ms, sequence = string.match(id, '^(%d+)-(%d+)$')
  if sequence ~= '0' then return ms .. '-' .. string.format('%.0f', tonumber(sequence) - 1) end
  return string.format('%.0f', tonumber(ms) - 1) .. '-18446744073709551615'
end

-- Cuts a run of the oldest freed events, all of one block; the rest waits until that run is leased, and gathers. The run
-- is not in `ready`, so that ADVANCE can go on to other keys.
local function cut_freed()
  local last = redis.call('HGET', state, 'freed_run')
  if last and redis.call('HGET', run_key(last), 'gen') == '0' then return end
  local oldest = redis.call('ZRANGE', freed, 0, 0)[1]
  if not oldest then return end
  local block = string.sub(oldest, 1, BLOCK)
  local members = redis.call('ZRANGEBYLEX', freed, '[' .. block, '(' .. block .. '\255')
  local states, keys, first, ids = {}, {}, nil, {}
  for i, member in ipairs(members) do
    local index = tonumber(string.sub(member, BLOCK + 1, BLOCK + INDEX))
    first = first or index
    for gap = #states + 1, index - first do
      states[gap], keys[gap] = '-', BLANK
    end
    states[#states + 1], keys[#keys + 1] = 'o', string.sub(member, BLOCK + INDEX + 1, BLOCK + INDEX + WIDTH)
    ids[i] = string.sub(member, BLOCK + INDEX + WIDTH + 2)
  end
  local redo = redis.call('HGET', left, block .. 'r')
  redis.call('ZREM', freed, unpack(members))
  if redis.call('HINCRBY', left, block, -#members) == 0 then
    redis.call('HDEL', left, block, block .. 'r')
    redis.call('ZREM', blocks, block)
  end
  local range = {
    from = below(ids[1]), to = ids[#ids], count = #states, skip = 0, lapses = 0, keys = table.concat(keys),
  }
  if redo then mark_replayed(range, redo) end
  local record = create(range, 0, table.concat(states), {kind = 'run'})
  redis.call('HSET', state, 'freed_run', record.id)
  issue_ticket(record)
end

local freeing = {}

-- The event is acked or dying: its key is free for the next.
local function free_key(record, index)
  local key = record.keys and key_at(record.keys, index) or BLANK
  if key ~= BLANK then freeing[#freeing + 1] = key end
end

-- Hands the keys freed since the last call, at most one run's, on to their oldest parked events.
local function hand_on()
  if #freeing == 0 then return end
  local free, unparked, next_up = {}, {}, {}
  for _, key in ipairs(freeing) do
    local member = redis.call('ZRANGEBYLEX', parked, '[' .. key, '(' .. key .. '\255', 'LIMIT', 0, 1)[1]
    if member then
      unparked[#unparked + 1] = member
      next_up[#next_up + 1] = 0
      next_up[#next_up + 1] = string.sub(member, WIDTH + 1, WIDTH + BLOCK + INDEX) .. key
        .. string.sub(member, WIDTH + BLOCK + INDEX + 1)
    else
      free[#free + 1] = key
    end
  end
  if #free > 0 then redis.call('SREM', held, unpack(free)) end
  if #unparked > 0 then
    redis.call('ZREM', parked, unpack(unparked))
    redis.call('ZADD', freed, unpack(next_up))
  end
  freeing = {}
  cut_freed()
end
