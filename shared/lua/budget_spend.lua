-- Spend from an hour's budget. KEYS: counter of the hour, block. ARGV: limit, cost, counter's life in s.
-- Answer: {1, what is left}, {0, ms the block lasts}, or {-1, 0} when the hour's budget is spent.
local block_ms = redis.call('PTTL', KEYS[2])
if block_ms > 0 then
  return {0, block_ms}
end
local spent = tonumber(redis.call('GET', KEYS[1]) or '0')
local cost = tonumber(ARGV[2])
if spent + cost > tonumber(ARGV[1]) then
  return {-1, 0}
end
spent = redis.call('INCRBY', KEYS[1], cost)
redis.call('EXPIRE', KEYS[1], ARGV[3])
return {1, tonumber(ARGV[1]) - spent}
