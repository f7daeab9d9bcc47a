--[[
REPLAY: begins, prepares and cancels a replay. The state hash has, of the latest one,

replay          its id               replay_phase   preparing | running, absent when it was cut to its end or cancelled
replay_from     window (from, to]    replay_to      never beyond the live cursor     replay_cursor   what is cut of it
replay_events   in the window        replay_passed  of these, cut or passed over     replay_redo     its id, or ''
replay_owed     events of this or an earlier replay that are owed: cut and not settled

and the set `spared` the ledger ids of the window's events that were owed when it began: they come without it. While it
is prepared, its trim floor is registered and what is to be spared is looked up, by any sidecar and by several at once.

ARGV[2] 'begin',  ARGV[3] id   ARGV[4] from   ARGV[5] latest end, '' for the live cursor   ARGV[6] '1' redo
        Reply: {'begun', end of the window} | {'running'} when another one is | {'absent'} without a live cursor
ARGV[2] 'spare',  ARGV[3] id   ARGV[4..] ledger ids          Reply: {'spared'} | {'over'}
ARGV[2] 'start',  ARGV[3] id   ARGV[4] number of events   ARGV[5] ledger id after which to begin
        Reply: {'started'} | {'over'} when it was already, or cancelled
ARGV[2] 'cancel', ARGV[3] id   What was cut of it stays owed. Reply: {'cancelled'} | {'over'}
]]
--- @include "record"
local function older(a, b)
  local ams, aseq = string.match(a, '^(%d+)-(%d+)$')
  local bms, bseq = string.match(b, '^(%d+)-(%d+)$')
  if ams ~= bms then return tonumber(ams) < tonumber(bms) end
  return tonumber(aseq) < tonumber(bseq)
end

local operation, id = ARGV[2], ARGV[3]
local spared = prefix .. 'spared'
local cursor, replay, phase = unpack(redis.call('HMGET', state, 'cursor', 'replay', 'replay_phase'))

if operation == 'begin' then
  if not cursor then return {'absent'} end
  -- The same call again, its reply having been lost.
  if replay == id then return {'begun', redis.call('HGET', state, 'replay_to')} end
  if phase then return {'running'} end
  local to = cursor
  if ARGV[5] ~= '' and older(ARGV[5], cursor) then to = ARGV[5] end
  redis.call('HSET', state, 'replay', id, 'replay_phase', 'preparing', 'replay_from', ARGV[4], 'replay_cursor', ARGV[4],
    'replay_to', to, 'replay_events', 0, 'replay_passed', 0, 'replay_redo', ARGV[6] == '1' and id or '')
  redis.call('UNLINK', spared)
  return {'begun', to}
end

if replay ~= id or not phase then return {'over'} end
if operation == 'cancel' then
  redis.call('HDEL', state, 'replay_phase')
  redis.call('UNLINK', spared)
  return {'cancelled'}
end
if phase ~= 'preparing' then return {'over'} end
if operation == 'spare' then
  redis.call('SADD', spared, unpack(ARGV, 4))
  return {'spared'}
end
redis.call('HSET', state, 'replay_phase', 'running', 'replay_events', ARGV[4], 'replay_cursor', ARGV[5])
return {'started'}
