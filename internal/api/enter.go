package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
)

// How often and how much one token may ask, on each replica by itself. A person types
// slower; a script that goes wild must not keep others from the room.
const (
	perMinute  = 60
	burst      = 30
	maxStreams = 8   // of one token
	allStreams = 256 // of everybody
)

// bearer is the token of a request, "" when there is none. It may stand in the header
// only: what stands in an address is in logs.
func bearer(h http.Header) string {
	kind, token, _ := strings.Cut(h.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// enter lets somebody in who may come in; done lets them out.
func (d *desk) enter(ctx context.Context, h http.Header, stream bool) (who Bearer, done func(), err error) {
	who, err = d.house.Identify(ctx, bearer(h))
	if err != nil {
		return Bearer{}, nil, err
	}
	if wait := d.limits.take(who.Token); wait > 0 {
		no := connect.NewError(connect.CodeResourceExhausted, errors.New("too much at once; try again in a minute"))
		no.Meta().Set("Retry-After", "60")
		return Bearer{}, nil, no
	}
	if !stream {
		return who, func() {}, nil
	}
	if !d.limits.open(who.Token) {
		return Bearer{}, nil, connect.NewError(connect.CodeResourceExhausted, errors.New("too many are followed at once; end one"))
	}
	return who, func() { d.limits.close(who.Token) }, nil
}

// limits counts what each token asks. Only good tokens are counted, so that it does
// not grow with whoever knocks.
type limits struct {
	now func() time.Time

	// mu guards everything that follows.
	mu      sync.Mutex
	of      map[string]*count
	streams int
}

type count struct {
	left    float64
	at      time.Time
	streams int
}

func newLimits() *limits { return &limits{now: time.Now, of: map[string]*count{}} }

func (l *limits) count(token string) *count {
	c := l.of[token]
	if c == nil {
		c = &count{left: burst, at: l.now()}
		l.of[token] = c
	}
	return c
}

// take takes one asking, or says how long until there is one.
func (l *limits) take(token string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, now := l.count(token), l.now()
	c.left = min(burst, c.left+now.Sub(c.at).Minutes()*perMinute)
	c.at = now
	if c.left < 1 {
		return time.Duration((1 - c.left) / perMinute * float64(time.Minute))
	}
	c.left--
	return 0
}

func (l *limits) open(token string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.count(token)
	if c.streams >= maxStreams || l.streams >= allStreams {
		return false
	}
	c.streams++
	l.streams++
	return true
}

func (l *limits) close(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count(token).streams--
	l.streams--
}
