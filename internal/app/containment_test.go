package app

import (
	"fmt"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// A vendor's budget is spent: deeds of several calls wait for their turn and get through.
// Once each call put the whole deed off, and the deed spent what it had waited for on its
// first call, for ever.
func TestADeedOfManyCallsGetsThroughASmallBudget(t *testing.T) {
	t.Parallel()
	d, err := StartDemo(t.Context(), DemoOptions{Speed: 120, NoRateLimits: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	say := func(line, who string) {
		t.Helper()
		if _, err := d.Do(t.Context(), line, who); err != nil {
			t.Fatal(err)
		}
	}
	until := func(n int, status incident.DeedStatus) incident.Deed {
		t.Helper()
		for range 3000 {
			s, err := d.App().db.Load(t.Context(), "INC-0001")
			if err != nil {
				t.Fatal(err)
			}
			if deed, ok := s.Deed(n); ok && deed.Status == status {
				return deed
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("request %d never came to be %q", n, status)
		return incident.Deed{}
	}
	say("/incident declare p1 many deeds", "alice")
	say("/incident INC-0001 join", "bob")
	for n := 1; n <= 6; n++ { // some fourteen calls each, of a hundred a minute
		say("/contain INC-0001 okta.suspend-user mallory@example.com", "alice")
		say(fmt.Sprintf("/contain INC-0001 approve %d plan:%s", n, until(n, incident.DeedWaiting).Digest), "bob")
		until(n, incident.DeedInEffect)
		say(fmt.Sprintf("/contain INC-0001 undo %d", n), "alice")
		until(n, incident.DeedReleased)
	}
}
