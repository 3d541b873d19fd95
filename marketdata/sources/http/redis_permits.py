"""Permits shared through Redis by every process and host; the arithmetic of `permits.Pace` as a script in Redis."""

from __future__ import annotations

import redis

from marketdata.sources.base import SourceUnavailable
from marketdata.sources.http.permits import FORGOTTEN, RECOVERY, SLOWEST

# KEYS[1] a hash; ARGV: what, spacing or seconds or factor, slowest, seconds to win back 1 %, seconds to forget.
# Redis' own clock, so hosts need not agree. It does what `Pace` does.
_SCRIPT = """
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1000000
local h = redis.call('HMGET', KEYS[1], 'next', 'held', 'slower', 'slowed', 'floor', 'late', 'late_at')
local next_at, held = tonumber(h[1]) or 0, tonumber(h[2]) or 0
local slower, slowed = tonumber(h[3]) or 1, tonumber(h[4]) or -1
local what, value = ARGV[1], tonumber(ARGV[2])
local quiet = now - slowed
if slowed < 0 or quiet > tonumber(ARGV[5]) then
  slower = 1
else
  slower = math.max(tonumber(h[5]) or 1, slower * 0.99 ^ (math.max(quiet, 0) / tonumber(ARGV[4])))
end
local late, late_at = tonumber(h[6]) or 0, tonumber(h[7]) or 0
local answer = 0
if what == 'take' then
  local at, window = math.max(now, next_at, held), math.max(1, value)
  if late > 0 and at >= late_at + window - value / 2 then
    at = math.max(at, next_at + late - window * (slower - 1))
    late, late_at = -late, at - value / 2
  end
  redis.call('HSET', KEYS[1], 'next', string.format('%.6f', at + value * slower), 'late', tostring(late),
    'late_at', string.format('%.6f', late_at))
  answer = at - now
elseif what == 'hold' then
  redis.call('HSET', KEYS[1], 'held', string.format('%.6f', math.max(held, now + value)))
elseif what == 'lag' then
  if late > 0 then
    late = math.max(late, value)
  elseif now - value >= late_at then
    late, late_at = value, now - value
  elseif value + late > 0 then
    next_at, late = next_at + value + late, -value
  end
  redis.call('HSET', KEYS[1], 'next', string.format('%.6f', next_at), 'late', tostring(late),
    'late_at', string.format('%.6f', late_at))
elseif what == 'held' then
  return string.format('%.6f', math.max(0, held - now))
elseif slowed < 0 or now >= slowed + 1 then
  slower = math.min(tonumber(ARGV[3]), slower * value)
  redis.call('HSET', KEYS[1], 'slower', tostring(slower), 'slowed', string.format('%.6f', now),
    'floor', tostring(math.min(tonumber(ARGV[3]), value)))
end
local left = math.ceil(math.max(3600, held - now + 3600, value + 3600))
redis.call('EXPIRE', KEYS[1], left)
return string.format('%.6f', answer)
"""


class RedisStore:
    """Permits shared through Redis by every process and host. One round trip a permit."""

    blocking = True

    def __init__(self, client: redis.Redis, *, prefix: str = "limiter:") -> None:
        self._prefix = prefix
        self._script = client.register_script(_SCRIPT)

    def take(self, key: str, spacing: float) -> float:
        return self._run(key, "take", spacing)

    def hold(self, key: str, seconds: float) -> None:
        self._run(key, "hold", seconds)

    def held(self, key: str) -> float:
        return self._run(key, "held", 0)

    def slow_down(self, key: str, factor: float) -> None:
        self._run(key, "slow_down", factor)

    def lag(self, key: str, seconds: float) -> None:
        self._run(key, "lag", seconds)

    def close(self) -> None:
        """The client is shared, and its owner's to close."""

    def _run(self, key: str, what: str, value: float) -> float:
        try:
            answer = self._script(
                keys=[self._prefix + key], args=[what, value, SLOWEST, RECOVERY, FORGOTTEN]
            )
        except redis.RedisError as error:
            raise SourceUnavailable(
                f"The rate limit {key} cannot be shared: Redis answers {type(error).__name__}."
            ) from error
        return float(answer)
