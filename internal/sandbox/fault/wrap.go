package fault

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Wrap carries out the faults of one vendor in front of next. method names a
// request as rules do: Slack's "chat.postMessage", or "POST /incidents".
//
// Ambiguous runs next against a writer that is thrown away and then cuts the
// connection: the caller cannot know that the work was done.
func (s *Set) Wrap(vendor string, method func(*http.Request) string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rule, struck := s.Match(vendor, method(r))
		if !struck {
			next.ServeHTTP(w, r)
			return
		}
		if !wait(r, rule.Delay) {
			return
		}
		switch rule.Kind {
		case RateLimit:
			refuse(w, http.StatusTooManyRequests, or(rule.Code, "ratelimited"), rule.RetryAfter)
		case ServerError:
			status := rule.Status
			if status < 400 || status > 599 {
				status = http.StatusInternalServerError
			}
			refuse(w, status, or(rule.Code, "internal_error"), rule.RetryAfter)
		case Down:
			refuse(w, http.StatusServiceUnavailable, or(rule.Code, "service_unavailable"), rule.RetryAfter)
		case Ambiguous:
			next.ServeHTTP(discard{http.Header{}}, r)
			panic(http.ErrAbortHandler) // net/http cuts the connection without a word
		case Drop:
			panic(http.ErrAbortHandler)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func refuse(w http.ResponseWriter, status int, code string, after time.Duration) {
	if status == http.StatusTooManyRequests || after > 0 {
		secs := max(1, int(math.Ceil(after.Seconds())))
		w.Header().Set("Retry-After", strconv.Itoa(secs))
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	body, _ := json.Marshal(map[string]any{"ok": false, "error": code}) // strings always marshal
	_, _ = w.Write(body)
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// discard is an answer nobody will read.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}
