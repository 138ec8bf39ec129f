package incident

import (
	"slices"
	"strings"
	"time"
)

// plan is a small plan for tests: P1 and P2 page two rungs, P3 and P4 nobody.
type plan struct{}

var (
	alice = Person{ID: "alice", Slack: "UALICE", Name: Seal("Alice")}
	bob   = Person{ID: "bob", Slack: "UBOB", PagerDuty: "PBOB"}
	carol = Person{ID: "carol", Slack: "UCAROL", PagerDuty: "PCAROL"}
	dave  = Person{ID: "dave", Slack: "UDAVE"}
	guest = Person{ID: "UGUEST", Slack: "UGUEST", Standing: Guest}
	crew  = []Person{alice, bob, carol, dave}
)

func (plan) Digest() string                       { return "sha256:plan" }
func (plan) DefaultSeverity(string) Severity      { return P3 }
func (plan) DefaultType() string                  { return "other" }
func (plan) Types() []string                      { return []string{"other", "credential-leak"} }
func (plan) Checklist(_ string, p Phase) []string { return []string{"look at " + string(p)} }
func (plan) Roles() []RoleSpec {
	return []RoleSpec{{Commander, "Commander", "decides"}, {"scribe", "Scribe", "writes"}}
}

func (plan) Deadline(s Severity, c ClockName, from time.Time) (Deadline, bool) {
	scale := time.Duration(s)
	switch c {
	case ClockAck:
		return Deadline{Due: from.Add(5 * time.Minute * scale)}, s <= P2
	case ClockUpdate:
		return Deadline{from.Add(30 * time.Minute * scale), from.Add(25 * time.Minute * scale)}, s <= P3
	case ClockContain:
		return Deadline{from.Add(time.Hour * scale), from.Add(50 * time.Minute * scale)}, s <= P2
	case ClockResolve:
		return Deadline{Due: from.Add(8 * time.Hour * scale)}, true
	}
	return Deadline{}, false
}

func (plan) Ladder(s Severity, _ string) Ladder {
	l := Ladder{Name: "main", Rounds: 2}
	primary := Rung{Name: "primary", Escalator: "tocsin", Service: "security", Schedule: "S1", Wait: 5 * time.Minute}
	secondary := Rung{Name: "secondary", Escalator: "tocsin", Service: "security", Schedule: "S2", Wait: 5 * time.Minute}
	switch s {
	case P1:
		l.Name, l.Rungs = "major", []Rung{primary, secondary, {Name: "lead", Escalator: "tocsin", People: []Person{alice}, Wait: 5 * time.Minute}}
	case P2:
		l.Rungs = []Rung{primary, secondary}
	}
	return l
}

func (p plan) Named(name string) (Ladder, bool) {
	l := p.Ladder(P1, "")
	return l, name == l.Name
}
func (plan) Invitees(Severity, string) []Person { return []Person{dave} }
func (plan) Owners(asset string) []Person {
	if asset == "web-3" {
		return []Person{carol}
	}
	return nil
}

func (plan) May(p Person, r Right, s State) Verdict {
	switch r {
	case MayDowngrade, MayExclude, MayRedact:
		ok := s.Holder(Commander) == p.ID || s.Holder(Commander) == ""
		return Verdict{Allowed: ok, Why: "Only the commander may."}
	case MayReassign:
		return Verdict{Why: "Nobody may."}
	}
	return Verdict{Allowed: true}
}

func (plan) PostMortem(s Severity, at time.Time) (time.Time, []time.Time, bool) {
	return at.Add(72 * time.Hour), []time.Time{at.Add(24 * time.Hour), at.Add(48 * time.Hour)}, s <= P2
}
func (plan) Escalation(Severity) (time.Duration, []Person) { return 24 * time.Hour, []Person{dave} }
func (plan) Drills() Drills {
	return Drills{People: []Person{alice, bob}, Ladder: Ladder{Name: "drill", Rungs: []Rung{{Name: "primary", Service: "security", People: []Person{bob, carol}, Wait: 5 * time.Minute}}}}
}

// Judge lets everybody block addresses at once, asks the commander or Carol for anything
// of Okta, asks two for "wide", and knows nothing else.
func (plan) Judge(q Question) Judgement {
	g := Grant{Name: "grant-" + q.Action, Source: "grants.yaml:3", TTL: 4 * time.Hour, MaxTTL: 24 * time.Hour, ExpiresIn: time.Hour}
	switch {
	case strings.HasPrefix(q.Action, "okta."):
		g.Needs = []Need{{1, []string{"commander", "carol"}}}
	case q.Action == "wide.block":
		g.Needs = []Need{{1, []string{"commander"}}, {1, []string{"carol", "dave"}}}
	case q.Action == "edge.block":
	case q.Action == "edge.lapse":
		g.OnExpiry = "release"
	default:
		return Judgement{Why: "No grant covers it."}
	}
	if q.State.Severity > P2 {
		return Judgement{Why: "Only for P1 and P2."}
	}
	return Judgement{Allowed: true, Grant: g, Lead: &dave}
}

func (plan) Approves(p Person, need Need, s State) bool {
	for _, w := range need.From {
		if w == string(p.ID) || s.Holder(Role(w)) == p.ID && p.ID != "" {
			return true
		}
	}
	return false
}

func (p plan) Approvers(need Need, s State) []Person {
	var out []Person
	for _, who := range crew {
		if p.Approves(who, need, s) {
			out = append(out, who)
		}
	}
	return out
}
func (plan) Codenames() []string                    { return []string{"Nightjar", "Kingfisher"} }
func (plan) Announce(_ Severity, private bool) bool { return !private }

var begin = time.Date(2026, 11, 23, 3, 4, 0, 0, time.UTC)

// room is one incident being played: every command is decided and folded.
type room struct {
	s      State
	now    time.Time
	events []Recorded
	owed   []Owed
	n      int
}

func newRoom() *room { return &room{s: State{Stream: "INC-0042"}, now: begin} }

// ask lets somebody ask; what became true is folded as a store would.
func (r *room) ask(by Person, c Command) error { return r.through(ViaSlack, by, c) }

// say is ask with words that hold secrets.
func (r *room) say(by Person, c Command, secrets ...FoundSecret) error {
	return r.through(ViaSlack, by, c, secrets...)
}

func (r *room) through(door Door, by Person, c Command, secrets ...FoundSecret) error {
	r.n++
	ch, err := Decide(r.s, Asked{ID: CommandID(time.Duration(r.n).String()), By: by, Via: door, At: r.now, What: c, Secrets: secrets}, plan{})
	if err != nil {
		return err
	}
	for _, e := range ch.Events {
		r.s = Apply(r.s, e)
	}
	r.events = append(r.events, ch.Events...)
	r.owed = append(r.owed, ch.Effects...)
	return nil
}

func (r *room) must(by Person, c Command) *room {
	if err := r.ask(by, c); err != nil {
		panic(err)
	}
	return r
}

// pass moves the clock to each bell that falls due within d, and rings it.
func (r *room) pass(d time.Duration) *room {
	end := r.now.Add(d)
	for {
		next := -1
		for i, o := range r.owed {
			if _, ok := o.Effect.(Wake); ok && !o.Due.After(end) && (next < 0 || o.Due.Before(r.owed[next].Due)) {
				next = i
			}
		}
		if next < 0 {
			r.now = end
			return r
		}
		o := r.owed[next]
		r.owed = slices.Delete(r.owed, next, next+1)
		if o.Due.After(r.now) {
			r.now = o.Due
		}
		w := o.Effect.(Wake)
		if Wanted(r.task(o), r.now) == nil {
			r.must(Clockwork, Tick{w.Clock, w.Stage, o.Seq})
		}
	}
}

func (r *room) task(o Owed) Task {
	return Task{Owed: o, Incident: r.s.Stream, State: r.s, Event: r.events[o.Seq-1]}
}

// happened returns the events of one kind.
func happened[T Event](r *room) []T {
	var out []T
	for _, e := range r.events {
		if t, ok := e.Event.(T); ok {
			out = append(out, t)
		}
	}
	return out
}

func owed[T Effect](r *room) []T {
	var out []T
	for _, o := range r.owed {
		if t, ok := o.Effect.(T); ok {
			out = append(out, t)
		}
	}
	return out
}

// answerPage says the pager took the latest page, for somebody.
func (r *room) answerPage(people ...Person) *room {
	fired := happened[RungFired](r)
	page := fired[len(fired)-1].Page
	return r.must(Clockwork, PageTaken{page, people, VendorRef{Vendor: "pagerduty", Incident: "P" + string(page), Key: "K" + string(page)}})
}
