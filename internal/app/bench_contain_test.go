package app

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
)

// BenchmarkAimContain: from the line in which somebody asks to the plan on its card, and
// from the approval to what was seen afterwards, where every call of Okta and of Slack takes
// 200 ms. The plan reads the user, their roles, applications and groups; the deed reads,
// writes, and reads again.
func BenchmarkAimContain(b *testing.B) {
	d, err := StartDemo(b.Context(), DemoOptions{NoRateLimits: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	say := func(line, who string) {
		if _, err := d.Do(b.Context(), line, who); err != nil {
			b.Fatal(err)
		}
	}
	state := func() incident.State {
		s, err := d.App().db.Load(b.Context(), "INC-0001")
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	until := func(n int, status incident.DeedStatus) time.Time {
		for range 15_000 {
			if deed, ok := state().Deed(n); ok && deed.Status == status {
				return time.Now()
			}
			time.Sleep(2 * time.Millisecond)
		}
		deed, _ := state().Deed(n)
		b.Fatalf("request %d never came to be %q: it is %q, %+v", n, status, deed.Status, deed.Targets)
		return time.Time{}
	}
	say("/incident declare p1 bench", "alice")
	say("/incident INC-0001 join", "bob")
	slow := fault.Rule{Kind: fault.Latency, Delay: vendorTakes}
	d.World.Okta.Faults().Add(slow)
	d.World.Slack.Faults().Add(slow)
	var toPlan, toProof []time.Duration
	for i := range 2 { // more would wait for Okta's budget, which is another figure
		n := i + 1
		began := time.Now()
		say("/contain INC-0001 okta.suspend-user mallory@example.com", "alice")
		toPlan = append(toPlan, until(n, incident.DeedWaiting).Sub(began))
		deed, _ := state().Deed(n)
		began = time.Now()
		say(fmt.Sprintf("/contain INC-0001 approve %d plan:%s", n, deed.Digest), "bob")
		toProof = append(toProof, until(n, incident.DeedInEffect).Sub(began))
		say(fmt.Sprintf("/contain INC-0001 undo %d", n), "alice")
		until(n, incident.DeedReleased)
	}
	slices.Sort(toPlan)
	slices.Sort(toProof)
	mid := len(toPlan) / 2
	b.ReportMetric(float64(toPlan[mid].Milliseconds()), "ms-to-plan")
	b.ReportMetric(float64(toProof[mid].Milliseconds()), "ms-to-proof")
	ms := func(d []time.Duration) string {
		return fmt.Sprintf("p50 %s, worst %s", d[mid].Round(time.Millisecond), d[len(d)-1].Round(time.Millisecond))
	}
	measured(b, "from /contain to the plan on record, 200 ms a call", "none", ms(toPlan))
	measured(b, "from the approval to the proof, 200 ms a call", "none", ms(toProof)+"; three calls of Okta are 600 ms of it")
}
