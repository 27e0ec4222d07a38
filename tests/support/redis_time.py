"""Time that passes in Redis when a test says so, not when a slow machine gets round to it."""

from __future__ import annotations

import redis

AGE_REDIS = """
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left_ms = redis.call('PTTL', key)
  if left_ms > tonumber(ARGV[1]) then
    redis.call('PEXPIRE', key, left_ms - ARGV[1])
  elseif left_ms > 0 then
    redis.call('DEL', key)
  end
  if string.match(key, '^places:.*:leases$') then
    for _, token in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      redis.call('ZINCRBY', key, -ARGV[1], token)
    end
  end
end
"""


class RedisTime:
    """Lets what is kept until a time end earlier: keys with a time to live, and leases of places."""

    def __init__(self, client: redis.Redis) -> None:
        self._age = client.register_script(AGE_REDIS)

    def pass_time(self, seconds: float) -> None:
        """Have everything end ``seconds`` earlier."""
        self._age(args=[int(seconds * 1000)])
