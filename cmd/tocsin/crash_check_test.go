package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
	"github.com/tocsin-ir/tocsin/store"
)

// once are the events that a whole incident has a fixed number of, however much time
// passes: everything people and vendors did.
var once = map[string]int{
	"Declared": 1, "RoomOpened": 1, "RoomLost": 0, "MessagePinned": 2, "Acknowledged": 1, "AckIgnored": 0, "RoleTaken": 1,
	"Updated": 1, "Noted": 1, "EntryEdited": 1, "Retitled": 1, "SeveritySet": 1, "TaskAdded": 6, "WasResolved": 1,
	"ItemAdded": 1, "ItemIsFiled": 1, "PostMortemEdited": 2, "PublishAsked": 2, "PostMortemPublished": 2, "EffectDied": 0,
}

// findings are what is not there exactly once.
type findings []string

func (f *findings) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

func (f *findings) exactly(what string, got, want int) {
	if got != want {
		f.add("%s: %d instead of %d", what, got, want)
	}
}

// check looks at the vendors and at the record once everything has come to rest.
func (r *rig) check(ctx context.Context) (f findings, err error) {
	said := r.checkSlack(&f)
	r.checkPager(&f)
	r.checkGitHub(&f)
	if err := r.checkRecord(ctx, &f); err != nil {
		return f, err
	}
	return f, r.checkSaid(ctx, said, &f)
}

// messageMark is how the app's messages are found again.
type messageMark struct {
	Type    string `json:"event_type"`
	Payload struct {
		Effect, View string
	} `json:"event_payload"`
}

// checkSlack returns the texts of the app's messages by the effect they carry.
func (r *rig) checkSlack(f *findings) (seen map[string]string) {
	rooms := r.rooms()
	f.exactly("rooms", len(rooms), 1)
	botUser, _ := r.world.Slack.BotUser()
	places := map[string]string{}
	for _, p := range r.world.People {
		for _, c := range r.world.Slack.View(p.Slack, slack.ViewOptions{}).Channels {
			if c.IM || strings.HasPrefix(c.Name, "inc") {
				places[c.ID] = p.Slack
			}
		}
	}
	seen = map[string]string{}
	views := map[string]int{}
	for place, who := range places {
		for _, m := range r.world.Slack.View(who, slack.ViewOptions{Channel: place, Limit: 5000}).Messages {
			if m.User != botUser || m.Subtype != "" || m.Ephemeral {
				continue
			}
			var is messageMark
			if len(m.Metadata) == 0 || json.Unmarshal(m.Metadata, &is) != nil || is.Payload.Effect == "" {
				f.add("a message without its mark: %.80q", m.Text)
				continue
			}
			if had, twice := seen[is.Payload.Effect]; twice {
				f.add("said twice (%s): %.80q and %.80q", is.Payload.Effect, had, m.Text)
			}
			seen[is.Payload.Effect] = m.Text
			if is.Payload.View != "" {
				views[is.Payload.View]++
				if is.Payload.View == "summary" && len(rooms) == 1 && !slices.Equal(rooms[0].Pins, []string{m.TS}) {
					f.add("pinned are %v, the summary is %s", rooms[0].Pins, m.TS)
				}
			}
		}
	}
	f.exactly("summaries", views["summary"], 1)
	f.exactly("announcements", views["announce"], 1)
	return seen
}

// maybeUnsaid are the events of which nothing is said, without a word, once something
// else has become true meanwhile (see incident.Wanted), or when they only repeat what
// we said ourselves.
const maybeUnsaid = `'clock_warned', 'paged', 'page_trouble', 'role_offered', 'asked_again', 'vendor_noted'`

// checkSaid finds what counts as said and is nowhere.
func (r *rig) checkSaid(ctx context.Context, said map[string]string, f *findings) error {
	if err := r.remembersSaid(ctx); err != nil {
		return err
	}
	for id, body := range r.toBeSaid {
		if _, ok := said[id]; !ok {
			f.add("done and nowhere to be read: %s %s", id, body)
		}
	}
	if n := len(r.toBeSaid); n < 10 {
		f.add("only %d things were said", n)
	}
	return nil
}

// remembersSaid keeps what counts as said, before what is settled is dropped: that is
// after a week.
func (r *rig) remembersSaid(ctx context.Context) error {
	db, err := sql.Open("sqlite", r.orders.Database)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(ctx, `
SELECT f.id, f.body FROM effects f JOIN events e ON e.workspace = f.workspace AND e.stream = f.incident AND e.seq = f.seq
WHERE f.kind = 'say' AND f.state = 'done' AND f.error = '' AND e.kind NOT IN (`+maybeUnsaid+`)`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, body string
		if err := rows.Scan(&id, &body); err != nil {
			return err
		}
		r.toBeSaid[id] = body
	}
	return rows.Err()
}

func (r *rig) checkPager(f *findings) {
	keys := map[string]int{}
	for _, in := range r.world.PagerDuty.Incidents() {
		if in.Key != "" {
			keys[in.Key]++
		}
		for _, k := range in.AlertKeys {
			if k != in.Key {
				keys[k]++
			}
		}
		done := map[string]int{}
		for _, n := range in.Notes {
			done["note: "+n.Text]++
		}
		for _, e := range in.Log {
			if strings.HasPrefix(e.Type, "resolve") || strings.HasPrefix(e.Type, "trigger") {
				done[e.Type]++
			}
		}
		for what, n := range done {
			if n > 1 {
				f.add("PagerDuty %s: %s %d times", in.ID, what, n)
			}
		}
	}
	for k, n := range keys {
		f.exactly("PagerDuty incidents of "+k, n, 1)
	}
}

func (r *rig) checkGitHub(f *findings) {
	issues := r.world.GitHub.Issues(incidentRepo)
	f.exactly("issues", len(issues), 2)
	marks, subs := map[string]int{}, 0
	for _, i := range issues {
		first, _, _ := strings.Cut(i.Body, "\n")
		marks[first]++
		subs += len(i.SubIssues)
		comments := map[string]int{}
		for _, c := range i.Comments {
			if comments[c.Body]++; comments[c.Body] > 1 {
				f.add("issue %d has a comment twice: %.80q", i.Number, c.Body)
			}
		}
	}
	for m, n := range marks {
		f.exactly("issues marked "+m, n, 1)
	}
	f.exactly("sub-issues", subs, 1)
}

// checkRecord verifies the chain and counts the lines by kind.
func (r *rig) checkRecord(ctx context.Context, f *findings) error {
	db, err := openVictim(ctx, r.orders.Database)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Verify(ctx, "INC-0001"); err != nil {
		f.add("the record is not whole: %v", err)
	}
	all, err := db.List(ctx, store.Filter{Limit: 100})
	if err != nil {
		return err
	}
	f.exactly("incidents", len(all), 1)
	got := map[string]int{}
	entries, err := db.Timeline(ctx, "INC-0001", 0, 100_000)
	if err != nil {
		return err
	}
	exact := map[string]int{}
	for _, e := range entries {
		got[strings.TrimPrefix(fmt.Sprintf("%T", e.Event), "incident.")]++
		if text, err := json.Marshal(e.Event); err == nil {
			exact[fmt.Sprintf("%T %s %s", e.Event, e.Root, text)]++
		}
	}
	for what, n := range exact {
		if n > 1 {
			f.add("on the timeline %d times: %.200s", n, what)
		}
	}
	r.timeline = r.timeline[:0]
	for _, e := range entries {
		text, _ := json.Marshal(e.Event) // only to be read
		r.timeline = append(r.timeline, fmt.Sprintf("%3d %s %-8s %T %.300s", e.Seq, e.At.Format("15:04:05"), e.Via, e.Event, text))
	}
	want := maps.Clone(once)
	if r.thorough {
		maps.Copy(want, onceThorough)
	}
	for kind, n := range want {
		f.exactly("entries "+kind, got[kind], n)
	}
	owing, err := db.Owing(ctx, r.clock.Now())
	if err != nil {
		return err
	}
	for _, o := range owing {
		if o.Due+o.Queued+o.Dead > 0 {
			f.add("%s: %d due, %d queued, %d given up", o.Kind, o.Due, o.Queued, o.Dead)
		}
	}
	dead, err := db.Dead(ctx, 20)
	for _, d := range dead {
		f.add("given up: %+v", d)
	}
	return err
}
