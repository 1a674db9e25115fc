-- Spends some of a budget that engines share, or says how long to wait (GCRA: what is kept is when all that was spent is earned
-- again). KEYS: the budget. ARGV, in microseconds of earning: what is to be spent, what may be spent at once, and the rest of what
-- may be spent in one period. More than may be spent at once is let through after a quiet while, so that none of it is too heavy.
-- Returns 0 when it is spent, else the milliseconds before which it cannot be.
local cost, burst, rest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local seen = redis.pcall('GET', KEYS[1])
-- What is no number of ours is nothing spent.
local earned = type(seen) == 'string' and #seen <= 16 and string.match(seen, '^%d+$') and tonumber(seen) or 0
-- A clock that has gone back (a failover) must not close the budget for longer than all of it takes to earn.
earned = math.min(earned, now + burst + rest)
if earned + cost > now + burst then return math.ceil((earned + cost - now - burst) / 1000) end
earned = math.max(earned, now) + cost
redis.call('SET', KEYS[1], string.format('%.0f', earned), 'PX', math.ceil((earned - now + rest) / 1000))
return 0
