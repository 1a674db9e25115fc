-- One step of a feed's lease. KEYS: lease, epoch (one hash tag). ARGV: 'acquire' | 'look' | 'renew' | 'release', owner,
-- ttl_ms, epoch: for acquire and look the highest that the caller ever saw, for renew and release the caller's own; then the
-- owner's mark, 0 to 999: the remainder of all its epochs.
-- Returns status, epoch, pttl, server time in seconds, and its microseconds. Status: 1 the lease is the caller's (for
-- release: was), 0 it is another's, 2 it is nobody's. The epoch is the lease's, 0 where it is nobody's.
local verb, owner, ttl, theirs, mark = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local seconds, micros = tonumber(time[1]), tonumber(time[2])
local held, holder, epoch = redis.pcall('GET', KEYS[1]), nil, 0
if type(held) == 'string' then
  local name, digits = string.match(held, '^([%w._-]+):(%d+)$')
  if name and #digits <= 16 then holder, epoch = name, tonumber(digits) end
end
local mine = holder == owner and (epoch == theirs or (verb == 'acquire' and epoch > theirs))
if verb == 'acquire' and (not holder or (holder == owner and not mine)) then
  -- Nobody's, or no lease at all, or our own of an epoch that another writer has overtaken.
  local counter = redis.pcall('GET', KEYS[2])
  counter = type(counter) == 'string' and tonumber(counter) or 0
  -- What leaves no room for a greater epoch is none of ours.
  if counter ~= counter or counter >= 9007199254000000 then counter = 0 end
  -- The clock keeps the epoch growing where a failover has lost the counter's last steps.
  epoch = math.max(math.floor(counter) + 1, seconds * 1000 + math.floor(micros / 1000), theirs + 1)
  -- Where counter and clock have both gone back, an epoch may have been given before: then to an owner of another mark.
  epoch = epoch + (mark - epoch) % 1000
  local text = string.format('%.0f', epoch)
  redis.call('SET', KEYS[2], text)
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[1], owner .. ':' .. text, 'NX', 'PX', ttl)
  return {1, epoch, tonumber(ttl), seconds, micros}
end
if not holder then return {2, 0, 0, seconds, micros} end
if not mine or verb == 'look' then
  local left = redis.call('PTTL', KEYS[1])
  -- Ends are absolute: a failover to a clock that is behind would keep a dead owner's lease for the difference, and one
  -- without an end (PERSIST, SET by hand) for ever.
  if left < 0 or left > 2 * ttl then
    redis.call('PEXPIRE', KEYS[1], ttl)
    left = tonumber(ttl)
  end
  return {0, epoch, left, seconds, micros}
end
if verb == 'release' then
  redis.call('DEL', KEYS[1])
  return {1, epoch, 0, seconds, micros}
end
redis.call('PEXPIRE', KEYS[1], ttl)
return {1, epoch, tonumber(ttl), seconds, micros}
