package contain_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain"
	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
)

// The agent is killed at some moment while it does what it was ordered. Afterwards the host
// is isolated, or the order was never taken and can be given again: nothing in between.
func TestKilledInTheMiddleOfAnOrder(t *testing.T) {
	g := newGround(t)
	taken := 0
	for i := range 8 {
		a := g.agent(t)
		env := g.signed(t, directive.Isolate, nil)
		a.Send(order{Envelope: env})
		time.Sleep(time.Duration(i) * 700 * time.Microsecond)
		a.Kill()
		a = g.agent(t)
		holds := ask(t, a, order{Holds: true}).Holds
		if len(holds) == 0 {
			holds = []contain.Hold{{}}
			holds[0].Directive.ID = ask(t, a, order{Envelope: env}).Receipt.ID
		} else {
			taken++
			var again done
			a.Ask(order{Envelope: env}, &again)
			if again.Refused != directive.Replayed {
				t.Errorf("the order again: %+v", again)
			}
		}
		id := holds[0].Directive.ID
		if p := ask(t, a, order{Verify: id}).Proof; p.Standing != gate.InEffect {
			t.Fatalf("killed after %d × 0.7 ms, the proof says %+v", i, p)
		}
		ask(t, a, order{Envelope: g.signed(t, directive.Release, release(id))})
		a.Kill()
	}
	t.Logf("%d of 8 orders were written down before the agent was killed", taken)
}

// The machine starts anew: nothing of the kernel is left, and the agent takes up what it held,
// as long as it was to be held.
func TestAfterAReboot(t *testing.T) {
	g := newGround(t)
	talker := g.talk(t, g.cgroup)
	a := g.agent(t)
	g.ear.Until(t, 10*time.Second, every...)
	ask(t, a, order{Envelope: g.signed(t, directive.Isolate, func(d *directive.Directive) { d.TTL, d.OnExpiry = time.Minute.Milliseconds(), directive.LetGo })})
	a.Kill()
	reboot := func() {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(g.settings.State, "holds", "*.json"))
		if err != nil || len(files) != 1 {
			t.Fatalf("holds: %v, %v", files, err)
		}
		var hold map[string]any
		text, err := os.ReadFile(files[0])
		if err == nil {
			err = json.Unmarshal(text, &hold)
		}
		if err != nil {
			t.Fatal(err)
		}
		hold["boot"] = "an earlier one"
		if text, err = json.Marshal(hold); err == nil {
			err = os.WriteFile(files[0], text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(g.settings.Place.Pins, "gate-v1")); err != nil {
			t.Fatal(err)
		}
		for _, wire := range []string{"topeer", "toserver"} {
			g.host.NoFilters(t, wire)
		}
	}
	reboot()
	g.ear.Until(t, 10*time.Second, "udp4", "icmp6") // nobody holds it
	a = g.agent(t)
	time.Sleep(settle)
	g.ear.Heard()
	g.ear.Silence(t, 300*time.Millisecond)
	a.Kill()
	reboot()
	g.settings.Later = 2 * time.Minute
	a = g.agent(t)
	if d := ask(t, a, order{Tick: true}); !told(d, contain.Ended) {
		t.Errorf("notices: %+v", d.Notices)
	}
	g.ear.Until(t, 10*time.Second, "udp4", "icmp6")
	talker.Kill()
}

// A gate of another layout, left by an older agent, is taken down once the new one holds.
func TestAnOlderGateIsTakenDown(t *testing.T) {
	g := newGround(t)
	a := g.agent(t)
	ask(t, a, order{Envelope: g.signed(t, directive.Isolate, nil)})
	a.Kill()
	pins := g.settings.Place.Pins
	if err := os.Rename(filepath.Join(pins, "gate-v1"), filepath.Join(pins, "gate-v0")); err != nil {
		t.Fatal(err)
	}
	g.host.Start(t, g.cgroup, "talk", containtest.Talk{To: []netip.Addr{peer4, peer6}})
	g.ear.Silence(t, 200*time.Millisecond)
	a = g.agent(t)
	g.ear.Silence(t, 200*time.Millisecond)
	if left, _ := filepath.Glob(filepath.Join(pins, "gate-*")); len(left) != 1 || filepath.Base(left[0]) != "gate-v1" {
		t.Errorf("left: %v", left)
	}
	ask(t, a, order{Envelope: g.signed(t, directive.Release, release("D-1"))})
	g.ear.Until(t, 10*time.Second, "udp4", "raw6")
}
