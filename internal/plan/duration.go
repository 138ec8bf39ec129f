package plan

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	day         = 24 * time.Hour
	maxDuration = 90 * day
	likeThis    = "write it like 90s, 5m, 1h30m, 48h or 3d"
)

// duration is more than nothing and at most 90 days.
func (v value) duration() time.Duration {
	t, ok := v.scalar()
	if !ok {
		return 0
	}
	d, err := parseDuration(t)
	switch {
	case err != nil:
		v.wrong(likeThis, "%q is no length of time", t)
	case d <= 0:
		v.wrong(likeThis, "%q is no time at all", t)
	case d > maxDuration:
		v.wrong("", "%q is more than 90 days", t)
	default:
		return d
	}
	return 0
}

// parseDuration reads Go's durations, and whole days before them: 3d, 1d12h. A day
// is 24 hours of the clock it is counted on.
func parseDuration(t string) (time.Duration, error) {
	t = strings.TrimSpace(t)
	days, rest, found := strings.Cut(t, "d")
	if !found {
		return time.ParseDuration(t)
	}
	n, err := strconv.Atoi(days)
	if err != nil || n < 0 || n > 10_000 {
		return 0, fmt.Errorf("days %q", days)
	}
	sum := time.Duration(n) * day
	if rest == "" {
		return sum, nil
	}
	d, err := time.ParseDuration(rest)
	return sum + d, err
}

// warning is how long before a target's end to warn: a share of it or a length of
// time. The zero value does not warn.
type warning struct {
	share float64 // 0 to 1, of the target
	fixed time.Duration
}

func (v value) warning() warning {
	t, ok := v.scalar()
	if !ok || t == "off" || t == "no" || t == "false" {
		return warning{}
	}
	number, isShare := strings.CutSuffix(t, "%")
	if !isShare {
		return warning{fixed: v.duration()}
	}
	n, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil || n < 1 || n > 99 {
		v.wrong("write 1% to 99%, a length of time, or off", "%q is no share", t)
		return warning{}
	}
	return warning{share: float64(n) / 100}
}

// before is how long ahead of the end of target to warn; 0: not at all.
func (w warning) before(target time.Duration) time.Duration {
	d := w.fixed
	if w.share > 0 {
		d = time.Duration(float64(target) * w.share).Round(time.Second)
	}
	if d >= target {
		return 0
	}
	return d
}
