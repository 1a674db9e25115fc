-- Says that an engine lives, and who else does. KEYS: the hash of engines. ARGV: 'stay' | 'leave', the engine's id, what it
-- says of itself, the milliseconds after which a silent engine counts as gone.
-- Returns id and value of each engine that lives, the caller first; a value begins with the server's time in ms. The caller's
-- own is empty where it was not known before.
local verb, id, said, silent = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local all = redis.pcall('HGETALL', KEYS[1])
if all.err then
  -- Something else stands under our key.
  redis.call('DEL', KEYS[1])
  all = {}
end
if verb == 'leave' then
  redis.call('HDEL', KEYS[1], id)
  return {}
end
local mine = string.format('%.0f ', now) .. said
redis.call('HSET', KEYS[1], id, mine)
local out = {id, ''}
for i = 1, #all, 2 do
  local seen = tonumber(string.match(all[i + 1], '^(%d+) ') or '')
  if all[i] == id then
    out[2] = mine
  else
    -- A clock that went back after a failover must not keep the dead alive.
    if seen and math.abs(now - seen) <= silent then
      out[#out + 1] = all[i]
      out[#out + 1] = all[i + 1]
    else
      redis.call('HDEL', KEYS[1], all[i])
    end
  end
end
return out
