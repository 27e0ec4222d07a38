-- Keep how many calls the other side says remain. KEYS: what it told. ARGV: remaining, ms to its reset.
-- An answer does not know of the calls sent since: within one window the smaller number holds.
local known = tonumber(redis.call('GET', KEYS[1]) or '')
if not known or tonumber(ARGV[1]) < known then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
