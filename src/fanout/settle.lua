--[[
SETTLE: applies acks, nacks, terms, releases and extensions to the events of one lease. Checks the generation: a
superseded lease settles nothing, and a repeated settle answers as it did the first time.

ARGV[2] run   ARGV[3] generation   ARGV[4] ack_wait (ms)   ARGV[5] max_deliver   ARGV[6] backoff (ms, comma-separated)
ARGV[7] most events in flight, '' no limit   ARGV[8] 'key' when the consumer has order by key
ARGV[9..] per operation: action ('a' ack, 'n' nack, 't' term, 'r' release, 'e' extend), first index, last index,
          delay (ms, '' = backoff; nack only), reason

Reply: {{per operation one byte an event: 'k' ok, 's' stale, 'u' unknown}, 1 when delayed tickets or dead letters wait
to be carried out, else 0, 1 when ADVANCE waited for what was settled here, else 0, tickets of runs that may be leased
at once, spaced}
]]
--- @include "record"
--- @include "order"
--- @include "in-flight"
local gen = tonumber(ARGV[3])
local record = read(ARGV[2])
local finished = false
if not record then
  local packed = redis.call('GET', prefix .. 'finished:' .. ARGV[2])
  if packed then
    local value = cmsgpack.unpack(packed)
    local states = value[2]
    if type(states) == 'number' then states = string.rep('a', states) end
    record = {id = ARGV[2], gen = value[1], states = states, gens = value[3], n = #states}
    finished = true
  end
end

local operations = {}
for i = 9, #ARGV, 5 do
  operations[#operations + 1] = {
    action = ARGV[i], first = tonumber(ARGV[i + 1]), last = tonumber(ARGV[i + 2]), delay = ARGV[i + 3], reason = ARGV[i + 4],
  }
end

if not record then
  local results = {}
  for i, operation in ipairs(operations) do
    results[i] = string.rep('u', operation.last - operation.first + 1)
  end
  return {results, 0, 0, ''}
end

local current = not finished and gen == record.gen
local states = {string.byte(record.states, 1, record.n)}
local gens = {string.byte(record.gens, 1, #record.gens)}
local settled, acked = 0, 0
local released, extended = {}, {}

local function settled_by(index)
  if #gens == 0 then return 1 end
  return gens[index]
end

local function mark(index, byte)
  states[index] = byte
  if record.gen > 1 then gens[index] = record.gen % 256 end
  settled = settled + 1
end

local function nack(index, operation)
  local attempts = record.kind == 'single' and record.attempts or 1
  if attempts >= tonumber(ARGV[5]) then
    free_key(record, index)
    mark_dying(record, index - 1, attempts, operation.reason ~= '' and operation.reason or 'nacked')
  else
    local delay = operation.delay ~= '' and tonumber(operation.delay) or backoff_ms(ARGV[6], attempts)
    retry_single(record, index - 1, attempts, delay, operation.reason, '0')
  end
end

local function apply(index, operation)
  local action = operation.action
  if action == 'e' then
    extended[#extended + 1] = index
  elseif action == 'r' then
    released[#released + 1] = index
    mark(index, string.byte('r'))
  elseif action == 'n' then
    nack(index, operation)
    mark(index, string.byte('n'))
  elseif action == 't' then
    free_key(record, index)
    mark_dying(record, index - 1, record.kind == 'single' and record.attempts or 1, operation.reason)
    mark(index, string.byte('t'))
  else
    free_key(record, index)
    mark(index, ACKED)
    acked = acked + 1
  end
end

local function answer(index, operation)
  local byte = states[index]
  if not byte or byte == ABSENT then return 'u' end
  if current and byte == OWED then
    if operation.action == 'e' and record.deadline == '' then return 's' end
    apply(index, operation)
    return 'k'
  end
  if byte == string.byte(operation.action) and settled_by(index) == gen % 256 then return 'k' end
  return 's'
end

local results = {}
for i, operation in ipairs(operations) do
  local bytes = {}
  for index = operation.first + 1, operation.last + 1 do
    bytes[#bytes + 1] = answer(index, operation)
  end
  results[i] = table.concat(bytes)
end
if not current then return {results, 0, 0, ''} end

-- Released events go back as a run of their own, counted as if they had never been handed out.
local function give_back()
  local first, last = record.n, 1
  local wanted = {}
  for _, index in ipairs(released) do
    first, last = math.min(first, index), math.max(last, index)
    wanted[index] = true
  end
  local bytes = {}
  for index = first, last do bytes[#bytes + 1] = wanted[index] and 'o' or '-' end
  local single = record.kind == 'single'
  local other = create(record, first - 1, table.concat(bytes), {
    kind = record.kind, attempts = single and record.attempts - 1 or 0, suspect = record.suspect, reason = record.reason,
  })
  if not single then return make_ready(other) end
  if other.suspect == '1' then return join_lane(other) end
  issue_ticket(other)
end

local function extend()
  local wanted = {}
  for _, index in ipairs(extended) do wanted[index] = true end
  local own = {}
  if record.deadlines ~= '' then
    for index = 1, record.n do own[index] = tonumber(string.sub(record.deadlines, index * 13 - 12, index * 13)) end
  end
  local later = now + tonumber(ARGV[4])
  local earliest, all, parts = later, true, {}
  for index = 1, record.n do
    local deadline = wanted[index] and later or own[index] or tonumber(record.deadline)
    if states[index] == OWED then
      if deadline ~= later then all = false end
      earliest = math.min(earliest, deadline)
    end
    parts[index] = string.format('%013d', deadline)
  end
  redis.call('HSET', run_key(record.id), 'deadline', later, 'deadlines', all and '' or table.concat(parts))
  redis.call('ZADD', schedule, earliest, record.id)
end

if settled > 0 then
  local chars = {}
  for index = 1, record.n do chars[index] = string.char(states[index]) end
  record.states = table.concat(chars)
  if #gens > 0 then
    for index = 1, record.n do chars[index] = string.char(gens[index]) end
    record.gens = table.concat(chars)
  end
  if acked > 0 then
    count_owed(record, -acked)
    redis.call('HINCRBY', state, 'acked', acked)
  end
end
if #released > 0 then give_back() end
local left = owed_in(record.states)
if left == 0 then
  finish(record)
else
  if settled > 0 then redis.call('HSET', run_key(record.id), 'states', record.states, 'gens', record.gens) end
  if #extended > 0 then extend() end
end
if settled > 0 then
  hand_on()
  if ARGV[7] ~= '' then admit(ARGV[7]) end
end

-- ADVANCE could not go on, for want of room for parked events or because of a run without keys.
local function uncrowded()
  if settled == 0 or redis.call('HGET', state, 'crowded') ~= '1' then return false end
  if record.keys and redis.call('ZCARD', parked) > RESUME_PARKED then return false end
  redis.call('HSET', state, 'crowded', '0')
  return true
end

local resume = ARGV[8] == 'key' and uncrowded()
return {results, follow_up and 1 or 0, resume and 1 or 0, table.concat(issued, ' ')}
