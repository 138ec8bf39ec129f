package signals_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/internal/signals"
	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
	"github.com/tocsin-ir/tocsin/sensor/detect/rules"
	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/templates"
)

// rig is a desk on a real engine and a real database.
type rig struct {
	*signals.Desk
	t      *testing.T
	db     *store.DB
	engine *engine.Engine
}

var alice = incident.Person{ID: "alice", Slack: "U0ALICE01"}

func begin(t *testing.T) *rig {
	t.Helper()
	p, err := plan.Load(templates.DemoPlan())
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "t.db"), "test", store.Options{Key: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	r := &rig{t: t, db: db, engine: engine.New(db, func() incident.Rules { return p }, clock.Real{}, silent())}
	r.open(p)
	return r
}

func (r *rig) open(p *plan.Plan) { r.openAs(p, "") }

// openAs makes a desk of one of several replicas.
func (r *rig) openAs(p *plan.Plan, replica string) {
	files, err := sigma.Read(rules.Files())
	if err == nil {
		r.Desk, err = signals.New(r.t.Context(), signals.Config{Asker: r.engine, Record: r.db, Plan: func() plan.Signals { return p.Settings().Signals }, Rules: files, Replica: replica})
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func group(id, host string, level noise.Level, count int) fleet.Said {
	now := time.Now()
	s := noise.Signal{ID: id, Rule: "sigma/reverse_shell_dev_tcp", Level: level, At: now, Host: host, Why: "bash talks to 203.0.113.9"}
	return fleet.Said{Key: "k", Group: noise.Group{ID: id, First: now, Last: now, Count: count, Level: level, Hosts: []string{host}, Entities: []string{"host/" + host, "address/203.0.113.9"},
		Rules: []noise.RuleCount{{Rule: s.Rule, Count: count}}, Techniques: []string{"T1059.004"}, Samples: []noise.Signal{s}}}
}

func (r *rig) declare(s fleet.Said) string {
	r.t.Helper()
	id, err := r.Declare(r.t.Context(), "P3", s)
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

func (r *rig) load(id string) incident.State {
	r.t.Helper()
	s, err := r.db.Load(r.t.Context(), incident.ID(id))
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

func (r *rig) ask(id string, c incident.Command) {
	r.t.Helper()
	if _, err := r.engine.Handle(r.t.Context(), incident.ID(id), incident.Asked{ID: incident.CommandID(id + time.Now().String()), By: alice, Via: incident.ViaCLI, What: c}); err != nil {
		r.t.Fatal(err)
	}
}

func TestAGroupDeclaresOnceHoweverOftenItIsAsked(t *testing.T) {
	r := begin(t)
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			s := group("g1", "web-3", noise.High, i+1)
			ids[i], _ = r.Declare(context.Background(), "P3", s)
		})
	}
	wg.Wait()
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) != 1 || ids[0] == "" {
		t.Fatalf("eight replicas declared %v", ids)
	}
	s := r.load(ids[0])
	if s.Severity != incident.P3 || !strings.HasSuffix(s.Title.Text, " on web-3") || len(s.Signals) != 1 || len(s.Scope) != 1 {
		t.Fatalf("%q %v %+v", s.Title.Text, s.Severity, s.Signals)
	}
	open, err := r.Open(t.Context())
	if err != nil || len(open) != 1 || !slices.Contains(open[0].Entities, "host/web-3") || !slices.Contains(open[0].Entities, "address/203.0.113.9") {
		t.Fatalf("%+v %v", open, err)
	}
}

func TestAGroupFollowsAMergeAndLeavesWhatIsClosed(t *testing.T) {
	r := begin(t)
	first, second := r.declare(group("g1", "web-3", noise.High, 1)), r.declare(group("g2", "db-1", noise.High, 1))
	for _, id := range []string{first, second} {
		r.ask(id, incident.AssignRole{Role: incident.Commander, To: alice})
	}
	r.ask(first, incident.MergeInto{Into: incident.ID(second)})
	merge(t, r, first, second)
	if err := r.Note(t.Context(), first, group("g1", "web-3", noise.Critical, 2)); err != nil {
		t.Fatal(err)
	}
	if g, ok := r.load(second).Signal("g1"); !ok || g.Level != incident.LevelCritical {
		t.Fatalf("%+v", r.load(second).Signals)
	}
	r.ask(second, incident.Resolve{})
	r.ask(second, incident.Close{Waive: "test"})
	if err := r.Note(t.Context(), second, group("g1", "web-3", noise.Critical, 40)); err != nil {
		t.Fatal("a closed incident is told nothing, and that is no error", err)
	}
	if g, _ := r.load(second).Signal("g1"); g.Count != 2 {
		t.Fatalf("%+v", g)
	}
}

// merge does what the runner would.
func merge(t *testing.T, r *rig, from, into string) {
	t.Helper()
	tasks, err := r.db.Claim(t.Context(), "test", time.Now(), incident.RankRefresh, 100, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range tasks {
		tell, ok := k.Effect.(incident.Tell)
		if !ok {
			continue
		}
		if _, err := r.engine.Handle(t.Context(), tell.Stream, incident.Asked{ID: incident.CommandID(k.ID), By: incident.Clockwork, Via: incident.ViaEngine, What: tell.Command}); err != nil {
			t.Fatal(err)
		}
	}
	if r.load(from).Status != incident.Merged {
		if _, err := r.engine.Handle(t.Context(), incident.ID(from), incident.Asked{ID: "taken", By: incident.Clockwork, Via: incident.ViaEngine, What: incident.MergeTaken{Into: incident.ID(into)}}); err != nil {
			t.Fatal(err)
		}
	}
}

// A rule that people found wrong again and again opens no room any more.
func TestMarksCount(t *testing.T) {
	r := begin(t)
	var figure string
	for i := range 10 {
		var err error
		figure, err = r.Mark(t.Context(), bot.SignalMark{Group: string(rune('a' + i)), Rule: "sigma/reverse_shell_dev_tcp", False: true, By: "alice", At: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(figure, "of 10 judged, 0 real (0 %)") {
		t.Fatal(figure)
	}
	if id := r.declare(group("g1", "web-3", noise.High, 1)); id != "" {
		t.Fatal("declared", id)
	}
	p, _ := plan.Load(templates.DemoPlan())
	r.open(p) // a restart
	if l, _ := r.Rules(t.Context(), ""); len(l.Rows) == 0 || !strings.Contains(l.Rows[0].Text, "of 10 judged") {
		t.Fatalf("the marks are gone: %+v", l)
	}
	var no *incident.Refusal
	if _, err := r.Mark(t.Context(), bot.SignalMark{Rule: "sigma/nothing", False: true, By: "alice", At: time.Now()}); !errors.As(err, &no) {
		t.Fatal(err)
	}
}

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }
