-- Writes newer values of keys that share a slot, and publishes each value that it wrote on the key's update channel.
-- KEYS[i]; ARGV: 'PUBLISH' | 'SPUBLISH' | '' (no push), namespace, then per key: value, ttl_ms.
-- Per key: 1 written; 2 the same version is there already (its TTL is renewed); 3 older within the same epoch; 4 written
-- over something that is no value of ours; 11 and 14 likewise, but the push was refused; a string = the greater epoch in place.
local verb, prefix, out = ARGV[1], ARGV[2] .. ':v1:', {}
for i, key in ipairs(KEYS) do
  local value, ttl = ARGV[2 * i + 1], ARGV[2 * i + 2]
  local current = redis.pcall('GET', key)
  local known = type(current) == 'string' and #current > 20 and string.byte(current, 1) == 0x95
    and string.byte(current, 2) == 1 and string.byte(current, 3) == 0xcf and string.byte(current, 12) == 0xcf
  local e, s, e2, s2 = -1, -1, struct.unpack('>I8xI8', value, 4)
  if known then e, s = struct.unpack('>I8xI8', current, 4) end
  -- No writer of ours makes such an epoch, and no greater one could ever follow it.
  if e >= 9007199254000000 then e, s, known = -1, -1, false end
  if e > e2 then
    out[i] = string.format('%.0f', e)
  elseif e == e2 and s > s2 then
    out[i] = 3
  elseif e == e2 and s == s2 then
    redis.call('PEXPIRE', key, ttl)
    out[i] = 2
  else
    redis.call('SET', key, value, 'PX', ttl)
    out[i] = (current and not known) and 4 or 1
    if verb ~= '' then
      -- A user without the right to publish still writes: whoever polls gets the value.
      local told = redis.pcall(verb, prefix .. 'update:' .. string.sub(key, #prefix + 1), value)
      if type(told) == 'table' and told.err then out[i] = out[i] + 10 end
    end
  end
end
return out
