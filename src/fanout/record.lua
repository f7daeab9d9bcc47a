--[[
What every delivery script shares: the record of a run and its moves. One hash per open run, `<prefix>run:<id>`:

from, to     ledger range (from, to] the run was cut from        skip, n    the run's events in that range
count        entries in that range: fewer are there when somebody removed some, and then their places say nothing
states       one byte an event: o owed, a acked, n nacked, t terminated, r released, l lapsed, - not of this run
gens         one byte an event: generation that settled it; '' while only generation 1 has
gen          leases so far        deadline   of the lease (ms), '' when not leased     holder   nonce of the lease
deadlines    '' or 6 bytes an event: its own deadline (ms), once the lease was extended for some events only
kind         run | single         attempts   counted attempts of a single             lapses   leases that lapsed
keys         key of each event, of a run that was cut with order by key (see order.lua)
suspect      '1' when silent before: such singles are leased one at a time, so a poison event dies alone
due          not before (ms)      ticket     number of the latest BullMQ ticket       reason   of the last nack
body         its own envelope, for an event redriven from a dead letter              replayed  '1' when replayed
redo         id of the replay that asked for its events to count as new; absent otherwise

KEYS[1] is the state hash, ARGV[1] the prefix of all keys of this (consumer, topic): one hash tag, one slot.
]]
local state, prefix = KEYS[1], ARGV[1]
local ready, open = prefix .. 'ready', prefix .. 'open'
-- What a replay has cut waits beside what comes from the live cursor, so that neither holds up the other.
local replay_ready = prefix .. 'replay_ready'
-- Deadlines of what is leased, ends of delays, and what waits for room (see in-flight.lua).
local schedule, delayed, throttled = prefix .. 'schedule', prefix .. 'delayed', prefix .. 'throttled'
local pending, lane, dying, dead = prefix .. 'pending', prefix .. 'lane', prefix .. 'dying', prefix .. 'dead'
local FINISHED_MS = 120000
local OWED, ACKED, ABSENT = string.byte('o'), string.byte('a'), string.byte('-')
local KEY_WIDTH = 11
-- Far above every ledger id: a redriven event carries its own envelope and holds no part of the ledger.
local REDRIVEN = '9000000000000-0'

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function run_key(id) return prefix .. 'run:' .. id end

local function ready_of(record) return record.replayed == '1' and replay_ready or ready end

local function read(id)
  local flat = redis.call('HGETALL', run_key(id))
  if #flat == 0 then return nil end
  local record = {}
  for i = 1, #flat, 2 do record[flat[i]] = flat[i + 1] end
  record.id = id
  for _, name in ipairs({'skip', 'n', 'gen', 'lapses', 'attempts', 'ticket', 'due'}) do
    record[name] = tonumber(record[name] or '0')
  end
  return record
end

-- Counts events in or out of what is owed.
local function count_owed(record, change)
  redis.call('HINCRBY', state, 'owed', change)
  if record.replayed == '1' then redis.call('HINCRBY', state, 'replay_owed', change) end
end

local function owed_in(states)
  local _, count = string.gsub(states, 'o', '')
  return count
end

-- Tickets of runs that may be leased at once.
local issued = {}
-- Tickets with a delay were issued or events are dying: somebody must carry it out.
local follow_up = false

local function position(ledger_id)
  return string.match(ledger_id, '^(%d+)') or '0'
end

-- A ticket is owed to BullMQ from here until it was added or the run was leased.
local function issue_ticket(record)
  record.ticket = record.ticket + 1
  redis.call('HSET', run_key(record.id), 'ticket', record.ticket)
  redis.call('HSET', pending, record.id .. '-' .. record.ticket, record.due)
  if record.due > now then
    follow_up = true
  else
    issued[#issued + 1] = record.id .. '-' .. record.ticket
  end
end

-- Numbers of runs keep up with the clock (in 10 us): a token from before the state was lost or retired, or of a run that
-- Redis lost with its latest writes, must not name a run of now.
local function next_run()
  local number = redis.call('HINCRBY', state, 'sequence', 1)
  local least = clock[1] * 100000 + math.floor(clock[2] / 10)
  if number < least then
    number = least
    redis.call('HSET', state, 'sequence', string.format('%.0f', number))
  end
  return 'r' .. string.format('%.0f', number)
end

-- Writes a new record that takes over events [offset, offset + #states) of `parent`.
local function create(parent, offset, states, fields)
  local id = next_run()
  local record = {
    id = id, ticket = 0, due = fields.due or 0, kind = fields.kind, suspect = fields.suspect or '0',
    replayed = parent.replayed or '0',
  }
  redis.call('HSET', run_key(id), 'from', parent.from, 'to', parent.to, 'count', parent.count or '',
    'skip', parent.skip + offset, 'n', #states, 'states', states, 'gens', '', 'gen', 0, 'deadline', '', 'deadlines', '', 'kind', record.kind,
    'attempts', fields.attempts or 0, 'lapses', fields.lapses or parent.lapses, 'suspect', record.suspect,
    'due', record.due, 'ticket', 0, 'reason', fields.reason or '', 'body', parent.body or '',
    'replayed', record.replayed)
  if parent.redo then redis.call('HSET', run_key(id), 'redo', parent.redo) end
  if parent.keys then
    redis.call('HSET', run_key(id), 'keys', string.sub(parent.keys, offset * KEY_WIDTH + 1, (offset + #states) * KEY_WIDTH))
  end
  redis.call('ZADD', open, position(parent.from), id)
  return record
end

local function make_ready(record)
  redis.call('SADD', ready_of(record), record.id)
  issue_ticket(record)
end

local function reserve_lane(record)
  redis.call('HSET', state, 'suspect', record.id)
  issue_ticket(record)
end

-- Suspects wait in the lane; its head alone has a ticket.
local function join_lane(record)
  local holder = redis.call('HGET', state, 'suspect')
  if not holder or holder == '' then
    reserve_lane(record)
  else
    redis.call('ZADD', lane, redis.call('HINCRBY', state, 'lane_sequence', 1), record.id)
  end
end

local function free_lane(id)
  if redis.call('HGET', state, 'suspect') ~= id then return end
  redis.call('HSET', state, 'suspect', '')
  while true do
    local head = redis.call('ZPOPMIN', lane)[1]
    if not head then return end
    local record = read(head)
    if record then return reserve_lane(record) end
  end
end

local function backoff_ms(csv, attempts)
  local last, index = 0, 0
  for value in string.gmatch(csv, '%d+') do
    index = index + 1
    last = tonumber(value)
    if index >= attempts then break end
  end
  return last
end

-- The event waits for the gateway to copy its envelope into a dead letter; until then the record holds the ledger.
local function mark_dying(parent, offset, attempts, reason)
  local record = create(parent, offset, 'o', {kind = 'single', attempts = attempts, reason = reason})
  redis.call('SADD', dying, record.id)
  follow_up = true
end

local function retry_single(parent, offset, attempts, delay, reason, suspect)
  local record = create(parent, offset, 'o', {
    kind = 'single', attempts = attempts, due = delay > 0 and now + delay or 0, reason = reason, suspect = suspect,
  })
  if record.due > 0 then redis.call('ZADD', delayed, record.due, record.id) end
  issue_ticket(record)
end

local function remember_finished(record)
  local states = record.states
  local all_acked = record.gens == '' and not string.find(states, '[^a]')
  redis.call('SET', prefix .. 'finished:' .. record.id,
    cmsgpack.pack({record.gen, all_acked and #states or states, record.gens}), 'PX', FINISHED_MS)
end

local function finish(record)
  redis.call('DEL', run_key(record.id))
  redis.call('SREM', ready_of(record), record.id)
  redis.call('ZREM', open, record.id)
  redis.call('ZREM', schedule, record.id)
  if record.deadline == '' then
    redis.call('ZREM', delayed, record.id)
    redis.call('ZREM', throttled, record.id)
  end
  remember_finished(record)
  if record.suspect == '1' then free_lane(record.id) end
end
