package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

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
	if !s.answerable(to) {
		return errors.New("answer: the response URL is none of Slack's")
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
	straight := *s.http
	straight.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := straight.Do(req)
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

// answerable reports whether a response URL is Slack's: on the host of the Web API, or
// on hooks of it. An answer holds what one person alone may see, and whoever could
// name another address would be told it, or have us knock at doors inside.
func (s *Slack) answerable(to string) bool {
	api := s.c.API
	if api == "" {
		api = slack.APIURL
	}
	home, err := url.Parse(api)
	if err != nil {
		return false
	}
	u, err := url.Parse(to)
	return err == nil && u.User == nil && u.Scheme == home.Scheme && home.Host != "" &&
		(strings.EqualFold(u.Host, home.Host) || strings.EqualFold(u.Host, "hooks."+home.Host))
}

// whisper shows a card to one person: where they are, or else in a direct message.
func (s *Slack) whisper(ctx context.Context, channel, thread, user string, c templates.Card) {
	options := content(c)
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
