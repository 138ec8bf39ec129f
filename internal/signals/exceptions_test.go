package signals_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
	"github.com/tocsin-ir/tocsin/templates"
)

func (r *rig) asked(id string) incident.Asked {
	return incident.Asked{ID: incident.CommandID(id), By: alice, Via: incident.ViaCLI}
}

func quietBackup(expires time.Time) incident.MakeException {
	return incident.MakeException{Rule: "reverse_shell_dev_tcp", Host: "db-*", Owner: alice, Reason: "the nightly backup", Expires: expires}
}

// What one replica was told, the others and the next start know too.
func TestAnExceptionHoldsOnEveryReplicaAndAfterARestart(t *testing.T) {
	r := begin(t)
	p, err := plan.Load(templates.DemoPlan())
	if err != nil {
		t.Fatal(err)
	}
	other := &rig{t: t, db: r.db, engine: r.engine}
	other.open(p)
	x, err := r.Except(t.Context(), r.asked("a"), quietBackup(time.Now().Add(time.Hour)))
	if err != nil || x.N != 1 || x.Rule != "sigma/reverse_shell_dev_tcp" {
		t.Fatalf("%+v, %v", x, err)
	}
	again, err := r.Except(t.Context(), r.asked("a"), quietBackup(time.Now().Add(time.Hour)))
	if err != nil || again.N != 1 {
		t.Errorf("asked twice it is another: %+v, %v", again, err)
	}
	covered := noise.Signal{ID: "s", Rule: x.Rule, Host: "db-1"}
	if r.Excepted(covered) != "1" {
		t.Error("it is not kept quiet")
	}
	for _, s := range []noise.Signal{{Rule: x.Rule, Host: "web-1"}, {Rule: "sigma/other", Host: "db-1"}, {Rule: x.Rule, Host: "db-1", Drill: true}} {
		if by := r.Excepted(s); by != "" {
			t.Errorf("%+v is kept quiet by %q", s, by)
		}
	}
	if _, err := other.Exceptions(t.Context()); err != nil || other.Excepted(covered) != "1" {
		t.Error("the other replica says it all the same", err)
	}
	r.open(p)
	if r.Excepted(covered) != "1" {
		t.Error("after a restart it is heard")
	}
	if _, err := other.EndException(t.Context(), r.asked("b"), 1, "done"); err != nil {
		t.Fatal(err)
	}
	if l, err := r.Exceptions(t.Context()); err != nil || len(l.Rows) != 0 || r.Excepted(covered) != "" {
		t.Errorf("ended elsewhere, and still quiet here: %+v, %v", l, err)
	}
	if v, err := r.db.Verify(t.Context(), incident.ExceptionsID); err != nil || v.Lines == 0 {
		t.Errorf("the record of exceptions: %+v, %v", v, err)
	}
}

// An exception loses nothing of its limits unseen: where one was erased it is not used.
func TestAnExceptionWithoutItsLimitKeepsNothingQuiet(t *testing.T) {
	r := begin(t)
	x, err := r.Except(t.Context(), r.asked("a"), quietBackup(time.Now().Add(time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	s := r.load(string(incident.ExceptionsID))
	erase := incident.Change{Before: s, Asked: incident.Asked{ID: "erase", At: time.Now()}, Erase: []string{s.Exceptions[0].Host.Ref},
		Events: []incident.Recorded{{Stream: s.Stream, Seq: s.Seq + 1, At: time.Now(), Occurred: time.Now(), By: "alice", Event: incident.Redacted{Seq: 1, Refs: []string{s.Exceptions[0].Host.Ref}, Why: "test"}}}}
	if _, err := r.db.Commit(t.Context(), erase); err != nil {
		t.Fatal(err)
	}
	l, err := r.Exceptions(t.Context())
	if err != nil || len(l.Rows) != 1 || !strings.Contains(l.Rows[0].Text, "NOT USED") {
		t.Errorf("%+v, %v", l, err)
	}
	for _, host := range []string{"db-1", "web-1"} {
		if by := r.Excepted(noise.Signal{Rule: x.Rule, Host: host}); by != "" {
			t.Errorf("%s is kept quiet by %q", host, by)
		}
	}
}

// The bounds of both are one: what the rules take, what keeps quiet takes too.
func TestTheLongestExceptionIsOne(t *testing.T) {
	if incident.LongestException != noise.LongestException {
		t.Error(incident.LongestException, noise.LongestException)
	}
	r := begin(t)
	c := quietBackup(time.Now().Add(incident.LongestException - time.Minute))
	for _, to := range []*string{&c.Host, &c.Program, &c.Image, &c.User} {
		*to = strings.Repeat("長", 100)
	}
	if _, err := r.Except(t.Context(), r.asked("a"), c); err != nil {
		t.Fatal(err)
	}
	if by := r.Excepted(noise.Signal{Rule: "sigma/reverse_shell_dev_tcp", Host: c.Host, Program: c.Program, Image: c.Image, User: c.User}); by != "1" {
		t.Error("the longest that is taken is not used")
	}
}
