package bot

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
)

const maxAnswer = 8 << 20 // bytes of one answer

// read calls a method that lists messages. The library's decoding is strict: one block
// that it does not know would lose the page.
func (s *Slack) read(ctx context.Context, method string, args url.Values, into any) error {
	return s.call(ctx, method, args.Get("channel"), incident.RankRefresh, func() error {
		base := s.c.API
		if base == "" {
			base = slack.APIURL
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(base, "/")+"/"+method, strings.NewReader(args.Encode()))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Authorization", "Bearer "+string(s.c.BotToken))
		resp, err := s.http.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode == http.StatusTooManyRequests {
			wait, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
			return &slack.RateLimitedError{RetryAfter: time.Duration(wait) * time.Second}
		}
		if resp.StatusCode != http.StatusOK {
			return slack.StatusCodeError{Code: resp.StatusCode, Status: resp.Status}
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		if err != nil {
			return err
		}
		var said struct {
			OK    bool   `json:"ok"`
			Error string `json:"error"`
		}
		if err := json.Unmarshal(body, &said); err != nil {
			return err
		}
		if !said.OK {
			return slack.SlackErrorResponse{Err: said.Error}
		}
		return lenient(json.Unmarshal(body, into))
	})
}
