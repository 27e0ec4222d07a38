-- Spend from an hour's budget. KEYS: counter of the hour, block, what the other side told remains.
-- ARGV: limit, cost, counter's life in s.
-- Answer: {1, what is left}, {0, ms to wait as told}, or {-1, 0} when the hour's budget is spent.
local block_ms = redis.call('PTTL', KEYS[2])
if block_ms > 0 then
  return {0, block_ms}
end
local cost = tonumber(ARGV[2])
local told = tonumber(redis.call('GET', KEYS[3]) or '')
if told and told < cost then
  return {0, math.max(1, redis.call('PTTL', KEYS[3]))}
end
local spent = tonumber(redis.call('GET', KEYS[1]) or '0')
if spent + cost > tonumber(ARGV[1]) then
  return {-1, 0}
end
spent = redis.call('INCRBY', KEYS[1], cost)
redis.call('EXPIRE', KEYS[1], ARGV[3])
local left = tonumber(ARGV[1]) - spent
if told then
  left = math.min(left, redis.call('DECRBY', KEYS[3], cost))
end
return {1, left}
