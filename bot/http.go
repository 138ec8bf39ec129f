package bot

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Bounds of a request. Slack's own views are at most 250 kB.
const (
	maxBody = 1 << 20         // bytes
	maxAge  = 5 * time.Minute // of a signature, either way
)

// Handler takes signed requests at /slack/command, /slack/interactive and
// /slack/events. Nothing of a request is parsed before its signature is verified.
// https://docs.slack.dev/authentication/verifying-requests-from-slack
func (s *Slack) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /slack/command", s.signed(s.once(s.postedCommand)))
	mux.HandleFunc("POST /slack/interactive", s.signed(s.once(s.postedInteraction)))
	mux.HandleFunc("POST /slack/events", s.signed(s.postedEvent))
	return mux
}

// posted takes a request that was verified, and gives what is answered.
type posted func(ctx context.Context, signature string, body []byte) (answer any, err error)

// once answers nothing to a request that comes again; one that could not be taken may.
func (s *Slack) once(next posted) posted {
	return func(ctx context.Context, signature string, body []byte) (any, error) {
		if s.caught.again(signature, time.Now()) {
			s.log.WarnContext(ctx, "request came again: its first answer stands")
			return nil, nil
		}
		answer, err := next(ctx, signature, body)
		if err != nil {
			s.caught.forget(signature)
		}
		return answer, err
	}
}

// signed verifies a request before anything is made of it.
func (s *Slack) signed(next posted) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "the request is too large or was cut off", http.StatusRequestEntityTooLarge)
			return
		}
		if err := verify(r.Header, body, s.c.SigningSecret, time.Now()); err != nil {
			s.log.WarnContext(r.Context(), "request refused", "path", r.URL.Path, "err", err)
			http.Error(w, "the signature does not fit", http.StatusUnauthorized)
			return
		}
		answer, err := next(r.Context(), r.Header.Get("X-Slack-Signature"), body)
		switch {
		case errors.Is(err, errForeign):
			s.log.WarnContext(r.Context(), "request refused", "path", r.URL.Path, "err", err)
			w.Header().Set("X-Slack-No-Retry", "1")
			http.Error(w, "this app does not belong to that workspace", http.StatusForbidden)
		case errors.Is(err, errUnreadable):
			w.Header().Set("X-Slack-No-Retry", "1")
			http.Error(w, "the request cannot be read", http.StatusBadRequest)
		case err != nil:
			s.log.ErrorContext(r.Context(), "request not taken in", "path", r.URL.Path, "err", err)
			http.Error(w, "not now", http.StatusServiceUnavailable) // Slack delivers again
		case answer != nil:
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			if err := json.NewEncoder(w).Encode(answer); err != nil {
				s.log.WarnContext(r.Context(), "answer not delivered", "err", err)
			}
		}
	}
}

var errUnreadable = errors.New("the request cannot be read")

// verify checks signature and age, both against the raw body, the signature in
// constant time. An empty secret verifies nothing.
func verify(h http.Header, body []byte, secret Secret, now time.Time) error {
	if secret == "" {
		return errors.New("no signing secret is configured")
	}
	stamp := h.Get("X-Slack-Request-Timestamp")
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return errors.New("no time stamp")
	}
	if age := now.Sub(time.Unix(at, 0)); age > maxAge || age < -maxAge {
		return errors.New("the time stamp is stale")
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + stamp + ":"))
	mac.Write(body)
	want := "v0=" + hex.EncodeToString(mac.Sum(nil))
	if !hmac.Equal([]byte(want), []byte(h.Get("X-Slack-Signature"))) {
		return errors.New("the signature does not fit")
	}
	return nil
}

func (s *Slack) postedCommand(ctx context.Context, _ string, body []byte) (any, error) {
	v, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errUnreadable
	}
	if v.Get("ssl_check") == "1" {
		return nil, nil
	}
	return s.slash(ctx, slashIn{
		TeamID: v.Get("team_id"), ChannelID: v.Get("channel_id"), UserID: v.Get("user_id"), Command: v.Get("command"),
		Text: v.Get("text"), ResponseURL: v.Get("response_url"), TriggerID: v.Get("trigger_id"),
	}, digest(body))
}

func (s *Slack) postedInteraction(ctx context.Context, _ string, body []byte) (any, error) {
	v, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errUnreadable
	}
	var in interaction
	if err := json.Unmarshal([]byte(v.Get("payload")), &in); err != nil {
		return nil, errUnreadable
	}
	return s.interact(ctx, in, digest(body))
}

func (s *Slack) postedEvent(ctx context.Context, _ string, body []byte) (any, error) {
	var in eventIn
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, errUnreadable
	}
	if in.Type == "url_verification" {
		return map[string]string{"challenge": in.Challenge}, nil
	}
	return nil, s.event(ctx, in, digest(body))
}

// digest stands for the envelope id that HTTP does not have: the same body is the
// same request.
func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
