--[[
SWEEP: takes back what was silent past its deadline and reports what is owed to BullMQ and to the dead letters.
A lapsed run counts no attempt against its events; after its second lapse it is taken apart into suspects, which
count, back off and die alone. An event silent past its own deadline leaves a run that is otherwise alive.

ARGV[2] max_deliver   ARGV[3] backoff (ms, comma-separated)   ARGV[4] most records to handle
ARGV[5] most events in flight, '' no limit

Reply: {records handled, {ticket, due (ms), …}, {run waiting to become a dead letter, …}, next deadline or due (ms), 0 = none,
        1 when a replay is begun and not cut to its end, else 0}
]]
--- @include "record"
--- @include "order"
--- @include "in-flight"
local MAX_LAPSES = 2
local max_deliver, backoff = tonumber(ARGV[2]), ARGV[3]
local SILENT = 'no answer within ack_wait'

local function lapse_single(record)
  redis.call('HSET', run_key(record.id), 'deadline', '', 'deadlines', '', 'holder', '')
  redis.call('ZREM', schedule, record.id)
  if record.attempts >= max_deliver then
    redis.call('HSET', run_key(record.id), 'reason', SILENT)
    redis.call('SADD', dying, record.id)
    free_key(record, 1)
  else
    record.due = now + backoff_ms(backoff, record.attempts)
    redis.call('HSET', run_key(record.id), 'due', record.due, 'suspect', '1', 'reason', SILENT)
    redis.call('ZADD', delayed, record.due, record.id)
    issue_ticket(record)
  end
  if record.suspect == '1' then free_lane(record.id) end
end

local function take_apart(record)
  local lapsed = string.gsub(record.states, 'o', 'l')
  for index = 1, record.n do
    if string.byte(record.states, index) == OWED then
      join_lane(create(record, index - 1, 'o', {kind = 'single', suspect = '1', reason = SILENT}))
    end
  end
  record.states = lapsed
  finish(record)
end

local function lapse_run(record)
  record.lapses = record.lapses + 1
  if record.lapses >= MAX_LAPSES then return take_apart(record) end
  redis.call('HSET', run_key(record.id), 'lapses', record.lapses, 'deadline', '', 'deadlines', '', 'holder', '')
  redis.call('ZREM', schedule, record.id)
  make_ready(record)
end

-- Indexes of owed events past their own deadline, and the earliest deadline of the others.
local function expired_in(record)
  local expired, earliest = {}, nil
  for index = 1, record.n do
    if string.byte(record.states, index) == OWED then
      local own = tonumber(string.sub(record.deadlines, index * 13 - 12, index * 13))
      if own <= now then
        expired[#expired + 1] = index
      elseif not earliest or own < earliest then
        earliest = own
      end
    end
  end
  return expired, earliest
end

local function leave_run(record, expired, earliest)
  local states = {string.byte(record.states, 1, record.n)}
  for _, index in ipairs(expired) do
    states[index] = string.byte('l')
    if max_deliver <= 1 then
      free_key(record, index)
      mark_dying(record, index - 1, 1, SILENT)
    else
      retry_single(record, index - 1, 1, backoff_ms(backoff, 1), SILENT, '1')
    end
  end
  local chars = {}
  for index = 1, record.n do chars[index] = string.char(states[index]) end
  redis.call('HSET', run_key(record.id), 'states', table.concat(chars))
  redis.call('ZADD', schedule, earliest, record.id)
end

local function lapse(record)
  if record.kind == 'single' then return lapse_single(record) end
  if record.deadlines == '' then return lapse_run(record) end
  local expired, earliest = expired_in(record)
  if earliest then return leave_run(record, expired, earliest) end
  lapse_run(record)
end

local handled = redis.call('ZRANGEBYSCORE', schedule, '-inf', now, 'LIMIT', 0, ARGV[4])
for _, id in ipairs(handled) do
  local record = read(id)
  if record and record.deadline ~= '' then
    lapse(record)
    hand_on()
  else
    redis.call('ZREM', schedule, id)
  end
end
local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, ARGV[4])
if #due > 0 then redis.call('ZREM', delayed, unpack(due)) end
cut_freed()
admit(ARGV[5])

local function earliest(key) return redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2] end
local deadline, delay = earliest(schedule), earliest(delayed)
local next_at = deadline or delay or '0'
if deadline and delay and tonumber(delay) < tonumber(deadline) then next_at = delay end
return {math.max(#handled, #due), redis.call('HGETALL', pending), redis.call('SMEMBERS', dying), next_at,
  redis.call('HEXISTS', state, 'replay_phase')}
