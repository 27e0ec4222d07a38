-- Take a place. KEYS: leases (zset: token by its end), life of this Redis, quarantine.
-- ARGV: token, limit, lease in ms, the life that the caller knew ("" for none).
-- Answer: {1, 0, life} with a place, {0, ms to wait, life} where all are taken, or {-1, ms, life} for so long
-- as nobody gets one since the data were lost.
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local lease_ms = tonumber(ARGV[3])
local life = redis.call('GET', KEYS[2])
if not life then
  -- To the microsecond: data may be lost in the millisecond in which they were made.
  life = string.format('%.0f', now[1] * 1000000 + now[2])
  redis.call('SET', KEYS[2], life)
end
if ARGV[4] ~= '' and ARGV[4] ~= life then
  -- The data were lost: calls that hold places nobody remembers may still run for one lease.
  local left_ms = math.floor(tonumber(life) / 1000) + lease_ms - now_ms
  if left_ms > 0 then
    redis.call('SET', KEYS[3], '1', 'PX', left_ms)
  end
end
local quarantine_ms = redis.call('PTTL', KEYS[3])
if quarantine_ms > 0 then
  return {-1, quarantine_ms, life}
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now_ms)
if redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('ZADD', KEYS[1], now_ms + lease_ms, ARGV[1])
  redis.call('PEXPIRE', KEYS[1], lease_ms * 2)
  return {1, 0, life}
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {0, math.max(1, tonumber(first[2]) - now_ms), life}
