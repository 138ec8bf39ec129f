package bot

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/slack-go/slack/socketmode"
)

// The waits between attempts to connect anew, when the library has given up.
const (
	firstWait = time.Second
	maxWait   = time.Minute
)

// RunSocket takes requests over Socket Mode until ctx ends. The library reconnects by
// itself; what it gives up on is tried again here, with growing waits. Each request
// is acknowledged only after what it asked for is committed; one that is never
// acknowledged comes again, and its id makes that harmless.
func (s *Slack) RunSocket(ctx context.Context) error {
	if s.c.AppToken == "" {
		return errors.New("socket mode: no app-level token; set it to the xapp- token")
	}
	wait := firstWait
	for {
		began := time.Now()
		err := s.runSocket(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop: that is no failure
		}
		if time.Since(began) > 2*maxWait {
			wait = firstWait
		}
		s.log.WarnContext(ctx, "socket mode ended; connecting anew", "err", redacted(err), "wait", wait)
		pause := time.NewTimer(wait + rand.N(wait/2))
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil
		case <-pause.C:
		}
		wait = min(2*wait, maxWait)
	}
}

// redacted keeps the address out, which carries a ticket, and the vendor's own words.
func redacted(err error) string {
	if code := codeOf(orNone(err)); code != "" {
		return code
	}
	return "connection lost"
}

func orNone(err error) error {
	if err == nil {
		return errors.New("closed")
	}
	return err
}

func (s *Slack) runSocket(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client := socketmode.New(s.api)
	defer s.connected.Store(false)
	ended := make(chan error, 1)
	go func() { ended <- client.RunContext(ctx) }()
	for {
		select {
		case err := <-ended:
			return err
		case e := <-client.Events:
			raw, ok := envelope(e)
			if !ok {
				switch e.Type {
				case socketmode.EventTypeDisconnect, socketmode.EventTypeConnecting, socketmode.EventTypeConnectionError:
					s.connected.Store(false)
				case socketmode.EventTypeConnected:
					s.connected.Store(true)
					s.log.InfoContext(ctx, "socket mode connected")
					s.fillGapsSoon(ctx)
				}
				continue
			}
			// A slow command must not hold up the next one.
			s.work(ctx, func(ctx context.Context) { s.serve(ctx, client, raw) })
		}
	}
}

// sent is an envelope of Socket Mode. https://docs.slack.dev/apis/events-api/using-socket-mode
type sent struct {
	Type       string          `json:"type"`
	EnvelopeID string          `json:"envelope_id"`
	Payload    json.RawMessage `json:"payload"`
	Accepts    bool            `json:"accepts_response_payload"`
}

// envelope finds the request as it came over the wire, also when the library's strict
// decoding stumbled over a block it does not know.
func envelope(e socketmode.Event) (sent, bool) {
	if bad, ok := e.Data.(*socketmode.ErrorBadMessage); ok {
		var raw sent
		if json.Unmarshal(bad.Message, &raw) != nil {
			return raw, false
		}
		return raw, raw.EnvelopeID != ""
	}
	if e.Request == nil || e.Request.EnvelopeID == "" {
		return sent{}, false
	}
	return sent{e.Request.Type, e.Request.EnvelopeID, e.Request.Payload, e.Request.AcceptsResponsePayload}, true
}

// serve carries one request and acknowledges it.
func (s *Slack) serve(ctx context.Context, client *socketmode.Client, e sent) {
	answer, err := s.receive(ctx, e)
	if errors.Is(err, errForeign) || errors.Is(err, errUnreadable) {
		s.log.WarnContext(ctx, "request refused", "type", e.Type, "err", err)
		err = nil // it would only come again
	}
	if err != nil {
		s.log.ErrorContext(ctx, "request not taken in", "type", e.Type, "err", err)
		return
	}
	if !e.Accepts {
		answer = nil
	}
	if err := client.AckCtx(ctx, e.EnvelopeID, answer); err != nil {
		s.log.WarnContext(ctx, "request not acknowledged", "type", e.Type, "err", err)
	}
}

// receive hands a request to what it is for.
func (s *Slack) receive(ctx context.Context, e sent) (any, error) {
	switch e.Type {
	case "slash_commands":
		var in slashIn
		if err := json.Unmarshal(e.Payload, &in); err != nil {
			return nil, errUnreadable
		}
		return s.slash(ctx, in, e.EnvelopeID)
	case "interactive":
		var in interaction
		if err := json.Unmarshal(e.Payload, &in); err != nil {
			return nil, errUnreadable
		}
		return s.interact(ctx, in, e.EnvelopeID)
	case "events_api":
		var in eventIn
		if err := json.Unmarshal(e.Payload, &in); err != nil {
			return nil, errUnreadable
		}
		return nil, s.event(ctx, in, e.EnvelopeID)
	}
	return nil, nil
}
