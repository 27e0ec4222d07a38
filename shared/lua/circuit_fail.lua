-- A call got no answer. KEYS: failures in a row, gap until the next probe, probes that failed.
-- ARGV: failures that open it, first gap in ms, longest gap in ms, how long all this is kept in s.
-- Failures that arrive while a gap runs are of calls begun before it: they do not lengthen the next one.
local failures = redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[4])
if failures >= tonumber(ARGV[1]) and redis.call('EXISTS', KEYS[2]) == 0 then
  local probes = math.min(redis.call('INCR', KEYS[3]), 30)
  redis.call('EXPIRE', KEYS[3], ARGV[4])
  local gap_ms = math.min(tonumber(ARGV[2]) * 2 ^ (probes - 1), tonumber(ARGV[3]))
  redis.call('SET', KEYS[2], '1', 'PX', string.format('%d', gap_ms))
end
