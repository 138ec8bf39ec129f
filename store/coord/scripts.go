//go:build !solo

package coord

import "github.com/redis/go-redis/v9"

// Times are the caller's clock in milliseconds, so that a sped-up clock speeds the
// budgets too. A replica whose clock is behind adds no tokens; none takes any back.

// takeToken: KEYS purse; ARGV now, tokens per ms, size, need. Answers ms to wait.
var takeToken = redis.NewScript(`
local p = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'until')
local now, per, size, need = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local tokens, at, till = tonumber(p[1] or size), tonumber(p[2] or now), tonumber(p[3] or 0)
if now > at then
  tokens = math.min(size, tokens + (now - at) * per)
  at = now
end
local wait = 0
if till > now then
  wait = till - now
elseif tokens < need then
  wait = math.max(1, math.ceil((need - tokens) / per - 0.000001))
else
  tokens = tokens - 1
end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.0f', at))
redis.call('PEXPIRE', KEYS[1], math.max(3600000, wait + 60000))
return wait
`)

// penalise: KEYS purse; ARGV until, now, ms to keep it.
var penalise = redis.NewScript(`
local p = redis.call('HMGET', KEYS[1], 'until', 'at')
if tonumber(ARGV[1]) > tonumber(p[1] or 0) then
  redis.call('HSET', KEYS[1], 'until', ARGV[1])
end
if not p[2] then
  redis.call('HSET', KEYS[1], 'tokens', '0', 'at', ARGV[2])
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 0
`)

// holdLease: KEYS lease, counter; ARGV owner, ttl in ms. Answers the fence, or 0 when
// another holds it.
var holdLease = redis.NewScript(`
local had = redis.call('GET', KEYS[1])
if had == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return tonumber(redis.call('GET', KEYS[2]) or 1)
end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return redis.call('INCR', KEYS[2])
end
return 0
`)

// releaseLease: KEYS lease; ARGV owner.
var releaseLease = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
`)
