--[[
LEASE: hands a run's owed events to one puller. Refused while an unexpired lease exists; every lease is a new
generation. A run larger than `max` is divided; the rest keeps a record and ticket of its own.

ARGV[2] run   ARGV[3] ticket that led here   ARGV[4] nonce of this attempt: the same nonce gets the same lease again,
so a reply lost with a Redis connection costs nothing   ARGV[5] ack_wait (ms)   ARGV[6] max events
ARGV[7] most events in flight, '' no limit

Reply: {'ok', gen, from, to, skip, n, states, attempt, replayed '0'|'1', body, behind '0'|'1', tickets issued, spaced,
        number of other runs that wait for a lease, redo, '1' when the replay that brought it may go on, count}
   or  {'gone'} | {'leased'} | {'parked'} | {'throttled'} | {'early', new ticket, due (ms)}
]]
--- @include "record"
--- @include "order"
--- @include "in-flight"
redis.call('HDEL', pending, ARGV[3])
local record = read(ARGV[2])
if not record or redis.call('SISMEMBER', dying, ARGV[2]) == 1 then return {'gone'} end

local function reply(attempt)
  local behind = redis.call('HGET', state, 'behind') or '0'
  if behind == '1' then redis.call('HSET', state, 'behind', '0') end
  local replayed = record.replayed == '1'
  return {'ok', record.gen, record.from, record.to, record.skip, record.n, record.states, attempt,
    record.replayed or '0', record.body or '', behind, table.concat(issued, ' '),
    redis.call('ZCARD', open) - redis.call('ZCARD', schedule) - redis.call('ZCARD', delayed) - redis.call('ZCARD', lane),
    record.redo or '', replayed and redis.call('HEXISTS', state, 'replay_phase') == 1 and '1' or '0', record.count or ''}
end

-- A single counts its attempt when it is leased, a run only its lapses.
local function attempt_of(leased)
  return leased.lapses + (leased.kind == 'single' and leased.attempts or 1)
end

if record.deadline ~= '' then
  if record.holder == ARGV[4] then return reply(attempt_of(record)) end
  return {'leased'}
end
if record.due > now then
  issue_ticket(record)
  return {'early', record.id .. '-' .. record.ticket, tostring(record.due)}
end
if record.suspect == '1' then
  local holder = redis.call('HGET', state, 'suspect')
  if holder and holder ~= '' and holder ~= record.id then
    redis.call('ZREM', schedule, record.id)
    redis.call('ZADD', lane, redis.call('HINCRBY', state, 'lane_sequence', 1), record.id)
    return {'parked'}
  end
  redis.call('HSET', state, 'suspect', record.id)
end

-- Index of the byte after the max-th owed event, or nil when the run fits.
local function cut_after(states, max)
  local at = 0
  for _ = 1, max do at = string.find(states, 'o', at + 1, true) end
  if at and string.find(states, 'o', at + 1, true) then return at end
end

local max = tonumber(ARGV[6])
local limit = tonumber(ARGV[7])
local room = limit and limit - in_flight(limit)
if room then
  redis.call('ZREM', throttled, record.id)
  if room <= 0 then
    throttle(record)
    return {'throttled'}
  end
  max = math.min(max, room)
end
local cut = owed_in(record.states) > max and cut_after(record.states, max)
if cut then
  local other = create(record, cut, string.sub(record.states, cut + 1), {kind = 'run'})
  if record.gens ~= '' then
    redis.call('HSET', run_key(other.id), 'gens', string.sub(record.gens, cut + 1))
  end
  if max == room then
    redis.call('SADD', ready_of(other), other.id)
    throttle(other)
  else
    make_ready(other)
  end
  record.states = string.sub(record.states, 1, cut)
  record.gens = string.sub(record.gens, 1, cut)
  record.n = cut
end

record.gen = record.gen + 1
if record.gen > 1 and record.gens == '' then record.gens = string.rep('\1', record.n) end
if record.kind == 'single' then record.attempts = record.attempts + 1 end
local deadline = now + tonumber(ARGV[5])
redis.call('HSET', run_key(record.id), 'gen', record.gen, 'gens', record.gens, 'n', record.n,
  'states', record.states, 'attempts', record.attempts, 'deadline', deadline, 'deadlines', '', 'holder', ARGV[4])
redis.call('SREM', ready_of(record), record.id)
if record.due > 0 then redis.call('ZREM', delayed, record.id) end
redis.call('ZADD', schedule, deadline, record.id)
if record.keys then cut_freed() end
if room then admit(ARGV[7]) end
return reply(attempt_of(record))
