package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
)

const (
	// lookBack is how long before the end of the last comparison heads of threads are
	// looked at again: history tells of a new reply only at the head.
	lookBack   = 48 * time.Hour
	pageSize   = 200 // https://docs.slack.dev/reference/methods/conversations.history
	maxHistory = 1000
	fillLines  = 100 // written in one transaction
	maxAnswer  = 8 << 20
)

// Compared is what a comparison of history with the record came to.
type Compared struct {
	Messages int // that Slack has, replies included
	Added    int // lines that the record did not have
}

// FillGaps compares the rooms of all live incidents with Slack's history and writes
// down what is missing, marked as back-filled. It runs after every connection, at low
// rank, waits when the budget says so, and ends with ctx.
func (s *Slack) FillGaps(ctx context.Context) {
	if s.batch == nil {
		return
	}
	live, err := s.c.Room.Reader.List(ctx, []incident.Status{incident.Open, incident.Resolved}, 0)
	if err != nil {
		s.log.WarnContext(ctx, "history not compared", "err", err)
		return
	}
	for _, st := range live {
		channel := st.Room.Channel
		if channel == "" || st.Room.Lost != "" {
			continue
		}
		s.batch.first(channel)
		for {
			_, err := s.fill(ctx, st.Stream, channel, false)
			if err == nil {
				break
			}
			wait, later := incident.LaterBy(err)
			if !later {
				s.batch.again(channel)
				s.log.WarnContext(ctx, "history not compared", "incident", st.Stream, "err", err)
				break
			}
			if !pause(ctx, wait) {
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// pause waits; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// filling is one comparison under way.
type filling struct {
	s       *Slack
	stream  incident.ID
	channel string
	me      self
	oldest  string // of what is looked at; "" for everything
	since   string // replies after this are asked for
	whole   bool
	now     time.Time

	seen          map[string]bool // messages in the channel that Slack has
	first, newest string
	found         Compared
	heads         []chatMessage
}

// fill compares one room with its history, since the last comparison or as a whole.
// What it wrote before an error stays; the next comparison begins where the last
// complete one ended. The error may be an incident.Later.
func (s *Slack) fill(ctx context.Context, stream incident.ID, channel string, whole bool) (Compared, error) {
	me, err := s.whoami(ctx)
	if err != nil {
		return Compared{}, err
	}
	_, _, filled, err := s.batch.to.CapturedHead(ctx, stream)
	if err != nil {
		return Compared{}, err
	}
	f := &filling{s: s, stream: stream, channel: channel, me: me, whole: whole, now: s.c.Room.Now().UTC(), seen: map[string]bool{}}
	if !whole && filled != "" {
		f.since = filled
		f.oldest = strconv.FormatInt(timeOf(filled).Add(-lookBack).Unix(), 10) + ".000000"
	}
	if err := f.history(ctx); err != nil {
		return f.found, err
	}
	for _, head := range f.heads {
		if err := f.thread(ctx, head); err != nil {
			return f.found, err
		}
	}
	if err := f.vanished(ctx); err != nil {
		return f.found, err
	}
	if f.newest == "" {
		return f.found, nil
	}
	return f.found, s.batch.to.Filled(ctx, stream, f.newest)
}

func (f *filling) history(ctx context.Context) error {
	args := url.Values{"channel": {f.channel}, "limit": {strconv.Itoa(pageSize)}}
	if f.oldest != "" {
		args.Set("oldest", f.oldest)
	}
	return f.pages(ctx, "conversations.history", args, func(m chatMessage) {
		f.seen[m.TS] = true
		if f.first == "" || m.TS < f.first {
			f.first = m.TS
		}
		f.newest = max(f.newest, m.TS)
		if m.ReplyCount > 0 && (f.since == "" || m.LatestReply > f.since) {
			f.heads = append(f.heads, m)
		}
	})
}

func (f *filling) thread(ctx context.Context, head chatMessage) error {
	args := url.Values{"channel": {f.channel}, "ts": {head.TS}, "limit": {strconv.Itoa(pageSize)}}
	if f.since != "" {
		args.Set("oldest", f.since)
	}
	err := f.pages(ctx, "conversations.replies", args, func(chatMessage) {})
	if is(err, "thread_not_found") {
		return nil // deleted meanwhile
	}
	return err
}

// pages walks through a list of messages and captures each page as it comes.
func (f *filling) pages(ctx context.Context, method string, args url.Values, each func(chatMessage)) error {
	for range maxHistory {
		var page struct {
			Messages []chatMessage `json:"messages"`
			Meta     struct {
				Next string `json:"next_cursor"`
			} `json:"response_metadata"`
		}
		if err := f.s.read(ctx, method, args, &page); err != nil {
			return fmt.Errorf("read history: %w", err)
		}
		var lines []incident.Captured
		for _, m := range page.Messages {
			each(m)
			if method == "conversations.replies" && !m.isReply() {
				continue // the head is told with every page
			}
			f.found.Messages++
			lines = append(lines, m.said(true)...)
		}
		if err := f.capture(ctx, lines); err != nil {
			return err
		}
		if page.Meta.Next == "" {
			return nil
		}
		args.Set("cursor", page.Meta.Next)
	}
	return fmt.Errorf("read history: more than %d pages", maxHistory)
}

func (f *filling) capture(ctx context.Context, lines []incident.Captured) error {
	for i := range lines {
		c := signed(lines[i], f.stream, f.channel, f.me)
		c.BackFilled = true
		if c.Occurred.IsZero() {
			// History does not say when; the key only has to differ from earlier ones.
			c.Occurred, c.Key = f.now, c.Key+":"+strconv.FormatInt(f.now.UnixMilli(), 10)
		}
		lines[i] = c
	}
	for part := range slices.Chunk(lines, fillLines) {
		n, err := f.s.batch.to.Capture(ctx, part)
		if err != nil {
			return err
		}
		f.found.Added += n
	}
	return nil
}

// vanished writes down the deletion of messages that the record has and Slack, in the
// stretch that was looked at, has no more. Replies are not looked for.
func (f *filling) vanished(ctx context.Context) error {
	const page = 1000
	after := incident.Captured{Occurred: timeOf(f.first).Truncate(time.Millisecond)}
	gone := map[string]incident.Captured{}
	for f.first != "" {
		some, err := f.s.batch.to.CapturedInTime(ctx, f.stream, after, page)
		if err != nil {
			return err
		}
		for _, c := range some {
			switch {
			case c.Kind == incident.SaidMessage && c.TS >= f.first && c.TS <= f.newest && !f.seen[c.TS]:
				gone[c.TS] = c
			case c.Kind == incident.SaidDeleted:
				delete(gone, c.TS)
			}
		}
		if len(some) < page {
			break
		}
		after = some[len(some)-1]
	}
	var lines []incident.Captured
	for _, c := range gone {
		lines = append(lines, incident.Captured{TS: c.TS, Kind: incident.SaidDeleted, Author: c.Author, App: c.App, Was: incident.Seal(c.Text.Text), Occurred: f.now})
	}
	return f.capture(ctx, lines)
}

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

// fillGapsSoon compares the rooms beside what else is done, one comparison at a time;
// asked for meanwhile, it begins anew when it is through.
func (s *Slack) fillGapsSoon(ctx context.Context) {
	if s.batch == nil || s.wanted.Add(1) > 1 {
		return
	}
	s.busy.run(func() {
		for {
			n := s.wanted.Load()
			s.FillGaps(ctx)
			if s.wanted.CompareAndSwap(n, 0) {
				return
			}
		}
	})
}
