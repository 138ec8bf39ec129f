package bot

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

const (
	// lookBack is how long before the end of the last comparison heads of threads are
	// looked at again: history tells of a new reply only at the head.
	lookBack   = 48 * time.Hour
	pageSize   = 200 // https://docs.slack.dev/reference/methods/conversations.history
	maxHistory = 1000
	fillLines  = 100 // written in one transaction
)

// Compared is what a comparison of history with the record came to.
type Compared struct {
	Messages int                 // that Slack has, replies included
	Missing  []incident.Captured // what the record did not have, and has now
	Gone     []incident.Captured // deletions: the record keeps what Slack has no more
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
	began   int64 // the last captured line before Slack was asked anything
	now     time.Time

	seen     map[string]bool // messages that Slack has
	unread   map[string]bool // threads that could not be read
	newest   string
	messages int
	heads    []chatMessage
}

// fill compares one room with its history, since the last comparison or as a whole,
// and with who is in it and what is pinned. What it wrote before an error stays; the
// next comparison begins where the last complete one ended. The error may be an
// incident.Later.
func (s *Slack) fill(ctx context.Context, stream incident.ID, channel string, whole bool) (Compared, error) {
	me, err := s.whoami(ctx)
	if err != nil {
		return Compared{}, err
	}
	began, _, filled, err := s.batch.to.CapturedHead(ctx, stream)
	if err != nil {
		return Compared{}, err
	}
	f := &filling{
		s: s, stream: stream, channel: channel, me: me, whole: whole, began: began, now: s.c.Room.Now().UTC(),
		seen: map[string]bool{}, unread: map[string]bool{},
	}
	if !whole && filled != "" {
		f.since = filled
		f.oldest = strconv.FormatInt(timeOf(filled).Add(-lookBack).Unix(), 10) + ".000000"
	}
	err = f.compare(ctx)
	found, rerr := f.found(ctx)
	if err = errors.Join(err, rerr); err != nil || f.newest == "" {
		return found, err
	}
	return found, s.batch.to.Filled(ctx, stream, f.newest)
}

func (f *filling) compare(ctx context.Context) error {
	if err := f.history(ctx); err != nil {
		return err
	}
	for _, head := range f.heads {
		if err := f.thread(ctx, head); err != nil {
			return err
		}
	}
	if err := f.vanished(ctx); err != nil {
		return err
	}
	if err := f.pins(ctx); err != nil {
		return err
	}
	return f.members(ctx)
}

func (f *filling) history(ctx context.Context) error {
	args := url.Values{"channel": {f.channel}, "limit": {strconv.Itoa(pageSize)}}
	if f.oldest != "" {
		args.Set("oldest", f.oldest)
	}
	return f.pages(ctx, "conversations.history", args, func(m chatMessage) {
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
		f.unread[head.TS] = true // deleted meanwhile
		return nil
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
		shown, err := f.look(ctx, method, args, &page)
		if err != nil {
			return fmt.Errorf("read history: %w", err)
		}
		var lines []incident.Captured
		for _, m := range page.Messages {
			each(m)
			if method == "conversations.replies" && !m.isReply() {
				continue // the head is told with every page
			}
			if !f.seen[m.TS] {
				f.messages++
			}
			f.seen[m.TS] = true
			lines = append(lines, m.said()...)
			there, whole := m.stands()
			shown.There = append(shown.There, there...)
			if whole {
				shown.Whole = append(shown.Whole, "reaction:"+m.TS)
			}
		}
		if err := f.capture(ctx, lines); err != nil {
			return err
		}
		if err := f.sight(ctx, shown); err != nil {
			return err
		}
		for _, m := range page.Messages {
			if len(m.Files) > 0 {
				f.s.keepFiles(ctx, f.stream, f.channel, &m, true)
			}
		}
		if page.Meta.Next == "" {
			return nil
		}
		args.Set("cursor", page.Meta.Next)
	}
	return fmt.Errorf("read history: more than %d pages", maxHistory)
}

// look asks Slack, and notes before it does how far the record had come: what is
// captured while Slack answers is newer than the answer.
func (f *filling) look(ctx context.Context, method string, args url.Values, into any) (incident.Sighting, error) {
	after, _, _, err := f.s.batch.to.CapturedHead(ctx, f.stream)
	if err != nil {
		return incident.Sighting{}, err
	}
	shown := incident.Sighting{Stream: f.stream, Channel: f.channel, After: after, At: f.s.c.Room.Now().UTC()}
	return shown, f.s.read(ctx, method, args, into)
}

// pins compares what is pinned. https://docs.slack.dev/reference/methods/pins.list
func (f *filling) pins(ctx context.Context) error {
	var list struct {
		Items []struct {
			By      string       `json:"created_by"`
			Message *chatMessage `json:"message"`
		} `json:"items"`
	}
	shown, err := f.look(ctx, "pins.list", url.Values{"channel": {f.channel}}, &list)
	if err != nil {
		return fmt.Errorf("read pins: %w", err)
	}
	for _, i := range list.Items {
		if i.Message != nil && i.Message.TS != "" {
			shown.There = append(shown.There, incident.Captured{TS: i.Message.TS, Kind: incident.PinAdded, Author: i.By, Subject: "pin:" + i.Message.TS})
		}
	}
	shown.Whole = []string{"pin"}
	return f.sight(ctx, shown)
}

// members compares who is in the room.
// https://docs.slack.dev/reference/methods/conversations.members
func (f *filling) members(ctx context.Context) error {
	args := url.Values{"channel": {f.channel}, "limit": {strconv.Itoa(pageSize)}}
	var all incident.Sighting
	for first := true; ; first = false {
		var list struct {
			Members []string `json:"members"`
			Meta    struct {
				Next string `json:"next_cursor"`
			} `json:"response_metadata"`
		}
		shown, err := f.look(ctx, "conversations.members", args, &list)
		if err != nil {
			return fmt.Errorf("read members: %w", err)
		}
		if first {
			all = shown
		}
		for _, user := range list.Members {
			all.There = append(all.There, incident.Captured{Kind: incident.MemberJoined, Author: user, Subject: "member:" + user})
		}
		if list.Meta.Next == "" {
			break
		}
		args.Set("cursor", list.Meta.Next)
	}
	all.Whole = []string{"member"}
	return f.sight(ctx, all)
}

func (f *filling) capture(ctx context.Context, lines []incident.Captured) error {
	for i := range lines {
		c := f.s.placed(lines[i], f.stream, f.channel, f.me)
		c.BackFilled = true
		if c.Occurred.IsZero() {
			c.Occurred = f.now // history does not say when
		}
		lines[i] = c
	}
	for part := range slices.Chunk(lines, fillLines) {
		if _, err := f.s.batch.to.Capture(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

func (f *filling) sight(ctx context.Context, shown incident.Sighting) error {
	for i := range shown.There {
		shown.There[i] = f.s.placed(shown.There[i], f.stream, f.channel, f.me)
	}
	_, err := f.s.batch.to.Sight(ctx, shown)
	return err
}

// vanished writes down the deletion of messages that the record had before Slack was
// asked and Slack, in the stretch that was looked at, has no more. Replies are looked
// for when the whole room is compared.
func (f *filling) vanished(ctx context.Context) error {
	gone := map[string]incident.Captured{}
	after := incident.Captured{Occurred: timeOf(f.oldest)}
	err := f.each(ctx, after, func(c incident.Captured) {
		switch c.Kind {
		case incident.SaidMessage, incident.SaidReply, incident.SaidEdited:
			if c.Seq > f.began || f.seen[c.TS] || c.TS <= f.oldest || c.Thread != "" && (!f.whole || f.unread[c.Thread]) {
				return
			}
			if _, twice := gone[c.TS]; !twice || !c.Text.IsZero() {
				gone[c.TS] = c
			}
		case incident.SaidDeleted:
			delete(gone, c.TS)
		}
	})
	if err != nil {
		return err
	}
	var lines []incident.Captured
	for ts, c := range gone {
		line := deletion(ts, time.Time{})
		line.Thread, line.Author, line.App, line.Was = c.Thread, c.Author, c.App, incident.Seal(c.Text.Text)
		lines = append(lines, line)
	}
	return f.capture(ctx, lines)
}

// each goes through what was captured of the room, in the order of Slack's time.
func (f *filling) each(ctx context.Context, after incident.Captured, do func(incident.Captured)) error {
	const page = 1000
	for {
		some, err := f.s.batch.to.CapturedInTime(ctx, f.stream, after, page)
		if err != nil {
			return err
		}
		for _, c := range some {
			do(c)
		}
		if len(some) < page {
			return nil
		}
		after = some[len(some)-1]
	}
}

// found is what the comparison wrote down, and what the record keeps beyond Slack.
func (f *filling) found(ctx context.Context) (Compared, error) {
	found := Compared{Messages: f.messages}
	if !f.whole {
		return found, nil // nobody asked
	}
	err := f.each(ctx, incident.Captured{}, func(c incident.Captured) {
		if c.Seq > f.began && c.BackFilled {
			found.Missing = append(found.Missing, c)
		}
		if c.Kind == incident.SaidDeleted {
			found.Gone = append(found.Gone, c)
		}
	})
	return found, err
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
