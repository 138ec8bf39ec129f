package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// stormPage is how late, in simulated time, a page may be.
const stormPage = 2 * time.Second

// Slack answers 429 to every call of every method for half an hour, while people go on
// working in several rooms and P1s are declared: PagerDuty pages go out as if nothing
// were the matter, containment is done and proved, and afterwards everything is said once,
// in order.
func TestStormOf429(t *testing.T) {
	t.Parallel()
	s := newStorm(t, 2)
	s.does("bob", "/incident INC-0001 join")
	s.pass(20*time.Second, time.Second)
	until := s.demo.Clock.Now().Add(30 * time.Minute)
	s.demo.World.Slack.Faults().Add(fault.Rule{Vendor: "slack", Method: "*", Kind: fault.RateLimit, RetryAfter: 30 * time.Second, Until: until})
	for minute := 0; s.demo.Clock.Now().Before(until); minute++ {
		s.work(minute)
		if minute%10 == 3 {
			s.types("#general", fmt.Sprintf("/incident declare p1 declared in the storm, minute %d", minute))
		}
		switch minute % 10 {
		case 4:
			s.does("alice", "/contain INC-0001 okta.suspend-user mallory@example.com")
		case 5:
			s.does("bob", fmt.Sprintf("/contain INC-0001 approve %d plan:%s", minute/10+1, s.planned()))
		case 7:
			s.does("alice", fmt.Sprintf("/contain INC-0001 undo %d", minute/10+1))
		}
		s.pass(time.Minute, 10*time.Second)
		if minute%10 == 5 {
			s.inEffect(minute/10 + 1)
		}
	}
	s.drains(30 * time.Minute)
	s.check("kind IN ('page', 'plan_action', 'enforce', 'release')")
}

// Nobody's fault: people in several rooms say more than Slack lets the app repeat, by
// channel and in the whole workspace, and direct messages go to and fro. Those who are
// paged get their message all the same.
func TestStormOfChatter(t *testing.T) {
	t.Parallel()
	s := newStorm(t, 6)
	for second := range 60 {
		for i, room := range s.rooms {
			if (second+i)%2 == 0 {
				s.types(room, fmt.Sprintf("/incident note %s heard at second %d", s.names[i], second))
			}
			if second%10 == i {
				s.types(room, fmt.Sprintf("/incident task add look at host-%d owner:@dave", second))
			}
		}
		switch {
		case second%20 == 10: // who is paged is messaged, too: nobody has a pager for these
			s.types(s.rooms[second/20%len(s.rooms)], "/incident page @alice")
		case second%50 == 25:
			s.types("#general", fmt.Sprintf("/incident declare p1 declared in the storm, second %d", second))
		}
		s.pass(time.Second, 500*time.Millisecond)
	}
	s.drains(30 * time.Minute)
	s.check("kind = 'page' OR kind = 'say' AND rank = 0")
}

// storm is a world whose clock moves only when nothing is under way, so that what is
// measured is what limits cost and not what this machine does.
type storm struct {
	*outage
	db    *sql.DB // beside Tocsin's own connections
	rooms []string
	names []string
	said  map[string]stormSaid // by effect, once check has looked
}

type stormSaid struct{ channel, ts string }

func newStorm(t *testing.T, rooms int) *storm {
	t.Helper()
	path := filepath.Join(crashDir(t), "tocsin.db")
	s := &storm{outage: newOutage(t, app.DemoOptions{HTTPMode: true, Database: path}, true)}
	var err error
	if s.db, err = sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.db.Close() })
	for i := range rooms {
		name := fmt.Sprintf("storm-%c", 'a'+i)
		s.types("#general", "/incident declare p1 "+name)
		s.pass(20*time.Second, time.Second)
		for _, c := range s.view("").Channels {
			if strings.Contains(c.Name, name) && c.Member {
				s.rooms = append(s.rooms, c.ID)
				s.names = append(s.names, name)
			}
		}
	}
	if len(s.rooms) != rooms {
		t.Fatalf("%d rooms", len(s.rooms))
	}
	return s
}

// work is what people do in a minute.
func (s *storm) work(minute int) {
	for i, room := range s.rooms {
		s.types(room, fmt.Sprintf("/incident note %s: minute %d", s.names[i], minute))
		switch minute % 3 {
		case 0:
			s.types(room, fmt.Sprintf("/incident task add check host-%d", minute))
		case 1:
			s.types(room, fmt.Sprintf("/incident title %s at minute %d", s.names[i], minute))
		case 2:
			s.types(room, fmt.Sprintf("/incident update %s: as of minute %d", s.names[i], minute))
		}
	}
}

// does is a line at the command line, whose way is not Slack's.
func (s *storm) does(who, line string) {
	s.t.Helper()
	if _, err := s.demo.Do(s.t.Context(), line, who); err != nil {
		s.t.Fatalf("%s: %v", line, err)
	}
}

// planned is the digest of the newest plan.
func (s *storm) planned() string {
	s.t.Helper()
	var data string
	s.query(`SELECT data FROM events WHERE kind = 'action_planned' ORDER BY at DESC LIMIT 1`, nil, &data)
	var plan incident.ActionPlanned
	if err := json.Unmarshal([]byte(data), &plan); err != nil {
		s.t.Fatal(err)
	}
	return plan.Digest
}

// inEffect wants that so many containments were proved, and that the vendor has the last.
func (s *storm) inEffect(deeds int) {
	s.t.Helper()
	proved := 0
	s.rows(`SELECT data FROM events WHERE kind = 'hold_enforced'`, func(scan func(...any) error) error {
		var data string
		if err := scan(&data); err != nil {
			return err
		}
		var e incident.HoldEnforced
		err := json.Unmarshal([]byte(data), &e)
		if e.Mark == incident.MarkInEffect {
			proved++
		}
		return err
	})
	if u, ok := s.demo.World.Okta.Look("mallory@example.com"); proved != deeds || !ok || u.Status != "SUSPENDED" {
		s.t.Errorf("%d of %d containments are proved, and at the vendor it is %q", proved, deeds, u.Status)
	}
}

// pass lets time pass in steps, each when everything due has been seen to. A page falls
// due between two steps, not within one.
func (s *storm) pass(d, step time.Duration) {
	s.t.Helper()
	s.comesToRest(s.demo.Clock.Now())
	for d > 0 {
		now, next := s.demo.Clock.Now(), int64(0)
		s.query(`SELECT COALESCE(MIN(due_at), 0) FROM effects WHERE state = 'open' AND rank = 0 AND due_at > $1`, []any{now.UnixMilli()}, &next)
		some := min(step, d)
		if next > 0 {
			some = max(time.Millisecond, min(some, time.UnixMilli(next).Sub(now)))
		}
		s.demo.Clock.Advance(some)
		d -= some
		now = s.demo.Clock.Now()
		s.comesToRest(now)
	}
}

func (s *storm) comesToRest(then time.Time) {
	s.t.Helper()
	for began := time.Now(); s.underWay(then) > 0; time.Sleep(time.Millisecond) {
		if time.Since(began) > time.Minute {
			s.t.Fatal("something is under way for a minute")
		}
	}
}

// underWay counts what was due by then and is not settled, and any page that is due by
// now. The lease of what is being done tells since when it is.
func (s *storm) underWay(then time.Time) (n int) {
	s.query(`SELECT count(*) FROM effects WHERE state = 'open'
AND (owner = '' AND due_at <= $1 OR owner <> '' AND due_at <= $2 OR rank = 0 AND (owner <> '' OR due_at <= $3))`,
		[]any{then.UnixMilli(), then.Add(engine.Lease).UnixMilli(), s.demo.Clock.Now().UnixMilli()}, &n)
	return n
}

// drains goes on until nothing is owed but what falls due later.
func (s *storm) drains(most time.Duration) {
	s.t.Helper()
	for left := 1; most > 0; most -= 20 * time.Second {
		s.query(`SELECT count(*) FROM effects WHERE state = 'queued' OR state = 'open' AND (kind <> 'wake' OR due_at <= $1)`,
			[]any{s.demo.Clock.Now().UnixMilli()}, &left)
		if left == 0 {
			return
		}
		s.pass(20*time.Second, 2*time.Second)
	}
	s.t.Error("not everything was done after the storm")
}

// check wants every message once and in the order of its lane, no page later than
// stormPage, and prints how late what was.
func (s *storm) check(pages string) {
	s.t.Helper()
	s.collect()
	if s.late(pages) > stormPage {
		s.t.Errorf("a page was later than %s", stormPage)
	}
	s.table()
	type row struct{ id, lane, event string }
	var last struct{ lane, ts string }
	n := 0
	s.rows(`SELECT f.id, f.lane, e.kind FROM effects f JOIN events e ON e.workspace = f.workspace AND e.stream = f.incident AND e.seq = f.seq
WHERE f.kind = 'say' AND f.state = 'done' AND f.error = '' ORDER BY f.lane, f.ord`, func(scan func(...any) error) error {
		var r row
		if err := scan(&r.id, &r.lane, &r.event); err != nil {
			return err
		}
		n++
		m, ok := s.said[r.id]
		switch {
		case !ok && !strings.Contains(maybeUnsaid, "'"+r.event+"'"):
			s.t.Errorf("%s (%s) is done and nowhere to be read", r.id, r.event)
		case !ok:
		case r.lane == last.lane && m.ts < last.ts:
			s.t.Errorf("%s was said out of order", r.id)
		default:
			last.lane, last.ts = r.lane, m.ts
		}
		return nil
	})
	if n < 80 {
		s.t.Errorf("only %d things were said", n)
	}
	dead := 0
	s.query(`SELECT count(*) FROM effects WHERE state = 'dead'`, nil, &dead)
	if dead > 0 {
		s.t.Errorf("%d effects were given up", dead)
	}
}

// collect finds the app's messages everywhere; none may carry the mark of another.
func (s *storm) collect() {
	s.said = map[string]stormSaid{}
	botUser, _ := s.demo.World.Slack.BotUser()
	seen := map[string]bool{}
	for _, p := range s.demo.World.People {
		for _, c := range s.demo.World.Slack.View(p.Slack, slack.ViewOptions{}).Channels {
			if seen[c.ID] || !c.Member {
				continue
			}
			seen[c.ID] = true
			for _, m := range s.demo.World.Slack.View(p.Slack, slack.ViewOptions{Channel: c.ID, Limit: 10_000}).Messages {
				var is messageMark
				if m.User != botUser || m.Ephemeral || m.Subtype != "" || json.Unmarshal(m.Metadata, &is) != nil {
					continue
				}
				if had, twice := s.said[is.Payload.Effect]; twice {
					s.t.Errorf("%s was said twice: in %s and %s", is.Payload.Effect, had.channel, c.ID)
				}
				s.said[is.Payload.Effect] = stormSaid{c.ID, m.TS}
			}
		}
	}
}

// late is how late the latest of what fits was.
func (s *storm) late(which string) time.Duration {
	most := 0
	s.query(`SELECT COALESCE(MAX(settled - due), 0) FROM effects WHERE state = 'done' AND error = '' AND (`+which+`)`, nil, &most)
	return time.Duration(most) * time.Millisecond
}

func (s *storm) table() {
	lines := []string{fmt.Sprintf("%-14s %-8s %6s %10s %10s %10s", "effect", "rank", "done", "median", "worst", "dropped")}
	ranks := []string{"page", "act", "say", "refresh"}
	late := map[string][]int{}
	dropped := map[string]int{}
	s.rows(`SELECT kind, rank, settled - due, error <> '' FROM effects WHERE state = 'done' AND kind <> 'wake'`, func(scan func(...any) error) error {
		var kind string
		var rank, ms int
		var gone bool
		if err := scan(&kind, &rank, &ms, &gone); err != nil {
			return err
		}
		key := fmt.Sprintf("%-14s %-8s", kind, ranks[rank])
		if gone {
			dropped[key]++
			return nil
		}
		late[key] = append(late[key], ms)
		return nil
	})
	for key, all := range late {
		slices.Sort(all)
		d := func(ms int) time.Duration { return (time.Duration(ms) * time.Millisecond).Round(10 * time.Millisecond) }
		lines = append(lines, fmt.Sprintf("%s %6d %10s %10s %10d", key, len(all), d(all[len(all)/2]), d(all[len(all)-1]), dropped[key]))
	}
	slices.Sort(lines[1:])
	s.t.Logf("how late, in simulated time:\n%s", strings.Join(lines, "\n"))
}

func (s *storm) query(text string, args []any, to ...any) {
	s.t.Helper()
	if err := s.db.QueryRowContext(context.Background(), text, args...).Scan(to...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *storm) rows(text string, each func(scan func(...any) error) error) {
	s.t.Helper()
	rows, err := s.db.QueryContext(context.Background(), text)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
}
