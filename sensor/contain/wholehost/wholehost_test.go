package wholehost_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain"
	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
	"github.com/tocsin-ir/tocsin/sensor/contain/containtest/agent"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
)

// A whole host is isolated at its real root cgroup while it talks in every way there is. Its
// agent is killed and started again; then it is released; then it is held by an order that
// ends by itself, and its agent is killed for good.
func TestTheWholeHost(t *testing.T) {
	g := newGround(t)
	a, _ := g.agent(t)
	g.hooked(t, ask(t, a, agent.Order{Report: true}).Report)
	g.talk(t)
	// The network of the containers sets a filter that lets out whatever comes to it.
	g.machine.LetOut(t, "topeer", containtest.Pass(t))
	g.open(t)

	d := ask(t, a, agent.Order{Envelope: g.orders.Signed(t, directive.Isolate, nil)})
	if d.Receipt.Done != contain.Held || d.Receipt.Sockets == nil || d.Receipt.Sockets.Closed < 2 {
		t.Errorf("receipt: %+v", d.Receipt)
	}
	t.Logf("isolated in %v, %+v, notes %q", d.Receipt.After, *d.Receipt.Sockets, d.Receipt.Notes)
	g.forget()
	g.silent(t, 2*time.Second)
	a.Kill()
	g.silent(t, 500*time.Millisecond)
	a, took := g.agent(t) // it is told nothing: it remembers
	g.silent(t, 500*time.Millisecond)
	for _, part := range []time.Duration{70, 90} { // and killed while it takes over
		a.Kill()
		a = g.machine.Start(t, "", "agent", g.settings)
		g.silent(t, took*part/100)
	}
	a.Kill()
	a, _ = g.agent(t)
	p := ask(t, a, agent.Order{Verify: "D-1"}).Proof
	if p.Standing != gate.InEffect {
		t.Errorf("proof: %+v", p)
	}
	for _, tried := range p.Tried {
		if !tried.Refused {
			t.Errorf("%s was not refused by the gate: %s", tried.What, tried.Said)
		}
	}
	t.Logf("proof: %+v", p)
	for layer, why := range ask(t, a, agent.Order{Report: true}).Counts {
		t.Logf("refused: %v: %v", layer, why)
	}
	ask(t, a, agent.Order{Envelope: g.orders.Signed(t, directive.Release, agent.Release("D-1"))})
	g.open(t)

	g.letsGo(t, a)
}

// hooked says what runs, and fails the test when it is not all that this kernel can do.
func (g *ground) hooked(t *testing.T, r gate.Report) {
	t.Helper()
	var links []string
	for _, l := range r.Links {
		links = append(links, l.Name+" by "+l.By)
	}
	t.Logf("HOOKS at the root cgroup: %s; %s", strings.Join(r.Hooks, " "), strings.Join(links, ", "))
	want := []string{"egress", "ingress", "connect4", "connect6", "sendmsg4", "sendmsg6", "setsockopt"}
	if !slices.Equal(r.Hooks, want) || len(r.Links) != len(wires) || len(r.Missing) > 0 {
		t.Errorf("not all that there should be: %+v", r)
	}
	by := "clsact"
	if containtest.Since(t, 6, 6) {
		by = "tcx"
	}
	for _, l := range r.Links {
		if l.By != by {
			t.Errorf("%s is covered by %s, not %s", l.Name, l.By, by)
		}
	}
}

// letsGo: the hold ends in the kernel at its time, neither before nor long after, with nobody
// alive to end it.
func (g *ground) letsGo(t *testing.T, a *containtest.Process) {
	t.Helper()
	const ttl = 5 * time.Second
	d := ask(t, a, agent.Order{Envelope: g.orders.Signed(t, directive.Isolate, func(d *directive.Directive) {
		d.TTL, d.OnExpiry = ttl.Milliseconds(), directive.LetGo
	})})
	a.Kill()
	g.forget()
	if left := time.Until(d.Receipt.Ends); left < time.Second {
		t.Fatalf("the machine is too slow: %v are left", left)
	}
	g.silent(t, time.Until(d.Receipt.Ends)-500*time.Millisecond)
	if !time.Now().Before(d.Receipt.Ends) {
		t.Fatal("the machine is too slow: silence ended after the hold")
	}
	g.ears["peer"].Until(t, 5*time.Second, "udp4")
	late := time.Since(d.Receipt.Ends)
	if late < 0 || late > time.Second {
		t.Errorf("it let go %v after its end", late)
	}
	t.Logf("with the agent dead, first heard %v after the end of the hold", late.Round(time.Millisecond))
	g.open(t)
}

// ask fails the test when the agent does not do it.
func ask(t *testing.T, a *containtest.Process, o agent.Order) (d agent.Done) {
	t.Helper()
	a.Ask(o, &d)
	if d.Refused != "" {
		t.Fatalf("refused: %s", d.Refused)
	}
	return d
}
