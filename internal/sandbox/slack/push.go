package slack

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Signed HTTP delivery, for an app without Socket Mode.

const maxAnswer = 256 << 10 // bytes of the app's answer to an interaction

// sign sets Slack's v0 signature. The time stamp is the machine's, as the app
// compares it with its own clock.
// https://docs.slack.dev/authentication/verifying-requests-from-slack
func sign(r *http.Request, secret string, at time.Time, body []byte) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + stamp + ":"))
	mac.Write(body)
	r.Header.Set("X-Slack-Request-Timestamp", stamp)
	r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
}

// post sends one signed request and reads the answer.
func (s *Server) post(ctx context.Context, to, kind string, body []byte, head http.Header) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	for k, v := range head {
		req.Header[k] = v
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	s.mu.Lock()
	secret, skew := s.app.SigningSecret, s.skew
	s.mu.Unlock()
	sign(req, secret, time.Now().Add(skew), body)
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp, answer, err
}

// askHTTP posts a slash command or an interaction as a form.
func (s *Server) askHTTP(ctx context.Context, kind, to string, payload obj) (json.RawMessage, error) {
	if to == "" {
		return nil, fmt.Errorf("deliver %s: the app has no URL for it", kind)
	}
	form := url.Values{}
	if kind == "slash_commands" {
		for k, v := range payload {
			form.Set(k, fmt.Sprint(v))
		}
	} else {
		form.Set("payload", string(raw(payload)))
	}
	resp, answer, err := s.post(ctx, to, "application/x-www-form-urlencoded", []byte(form.Encode()), nil) //nolint:bodyclose // post has read and closed it
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("deliver %s: the app answered %d", kind, resp.StatusCode)
	}
	if !json.Valid(answer) && len(bytes.TrimSpace(answer)) > 0 {
		return raw(obj{"text": string(answer)}), nil // plain text is a message
	}
	return answer, nil
}

// pushEvents delivers what is queued, in order, and ends when nothing is left.
func (s *Server) pushEvents() {
	for {
		s.mu.Lock()
		if len(s.queue) == 0 || s.ctx.Err() != nil {
			s.pushing = false
			s.mu.Unlock()
			return
		}
		d := s.queue[0]
		s.queue = s.queue[1:]
		to := or(s.app.EventsURL, s.app.RequestURL)
		s.mu.Unlock()
		reason, again := s.pushEvent(to, d)
		switch {
		case reason == "":
		case again:
			s.locked(func() { s.missed(d, reason) })
		default:
			s.log.Warn("event refused for good", "event_id", d.payload["event_id"], "reason", reason)
		}
	}
}

// Pushing says whether events are on their way by HTTP.
func (s *Server) Pushing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pushing
}

// pushEvent makes one attempt. again is false when the app forbids another.
func (s *Server) pushEvent(to string, d *delivery) (reason string, again bool) {
	ctx, cancel := context.WithTimeout(s.ctx, ackTime)
	defer cancel()
	head := http.Header{}
	if d.attempt > 0 {
		head.Set("X-Slack-Retry-Num", strconv.Itoa(d.attempt))
		head.Set("X-Slack-Retry-Reason", d.reason)
	}
	resp, _, err := s.post(ctx, to, "application/json", raw(d.payload), head) //nolint:bodyclose // post has read and closed it
	switch {
	case ctx.Err() != nil:
		return "http_timeout", true
	case err != nil:
		return "connection_failed", true
	case resp.StatusCode/100 != 2:
		return "http_error", resp.Header.Get("X-Slack-No-Retry") != "1"
	}
	return "", false
}

// VerifyEvents sends the url_verification challenge that Slack sends before it
// accepts an events URL. It returns an error when the app does not echo it.
func (s *Server) VerifyEvents(ctx context.Context) error {
	app := s.App()
	challenge := random(40)
	ctx, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	resp, body, err := s.post(ctx, or(app.EventsURL, app.RequestURL), "application/json", raw(obj{ //nolint:bodyclose // post has read and closed it
		"token": "sandbox", "challenge": challenge, "type": "url_verification",
	}), nil)
	if err != nil {
		return fmt.Errorf("verify events URL: %w", err)
	}
	var echo struct {
		Challenge string `json:"challenge"`
	}
	_ = json.Unmarshal(body, &echo) // plain text is allowed too
	if resp.StatusCode != http.StatusOK || echo.Challenge != challenge && string(bytes.TrimSpace(body)) != challenge {
		return fmt.Errorf("verify events URL: status %d and no challenge in the answer", resp.StatusCode)
	}
	return nil
}
