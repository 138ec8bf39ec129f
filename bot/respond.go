package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// respond answers at a response URL: at most once, never truth.
// https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
func (s *Slack) respond(ctx context.Context, to string, body any) {
	if err := s.tryRespond(ctx, to, body); err != nil {
		s.log.WarnContext(ctx, "answer not delivered", "err", err)
	}
}

func (s *Slack) tryRespond(ctx context.Context, to string, body any) error {
	u, err := url.Parse(to)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("answer: no usable response URL")
	}
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := s.http.Do(req)
	if err != nil {
		return fmt.Errorf("answer: response URL unreachable") // the URL is a secret: it stays out of the error
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answer: status %d", resp.StatusCode)
	}
	return nil
}

// whisper shows a card to one person: where they are, or else in a direct message.
func (s *Slack) whisper(ctx context.Context, channel, thread, user string, c templates.Card) {
	options := message(c)
	if thread != "" {
		options = append(options, slack.MsgOptionTS(thread))
	}
	if channel != "" {
		err := s.call(ctx, "chat.postEphemeral", channel, incident.RankAct, func() error {
			_, err := s.api.PostEphemeralContext(ctx, channel, user, options...)
			return err
		})
		if err == nil {
			return
		}
		if !is(err, "channel_not_found", "not_in_channel", "user_not_in_channel", "is_archived") {
			s.log.WarnContext(ctx, "answer not delivered", "err", err)
			return
		}
	}
	to, err := s.direct(ctx, user, incident.RankAct)
	if err == nil {
		err = s.tell(ctx, to, "", c)
	}
	if err != nil {
		s.log.WarnContext(ctx, "answer not delivered", "err", err)
	}
}

// tell posts an answer in a direct message.
func (s *Slack) tell(ctx context.Context, channel, thread string, c templates.Card) error {
	options := message(c)
	if thread != "" {
		options = append(options, slack.MsgOptionTS(thread))
	}
	return s.call(ctx, "chat.postMessage", channel, incident.RankAct, func() error {
		_, _, err := s.api.PostMessageContext(ctx, channel, options...)
		return err
	})
}
