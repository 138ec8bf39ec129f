package app

import (
	"net/http"
	"slices"
	"testing"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/sandbox"
	"github.com/tocsin-ir/tocsin/internal/sandbox/github"
)

// Assigning on GitHub moves the owner here, once, and is not written back; what Tocsin
// does there itself is not heard as somebody's wish.
func TestAssignedOnGitHub(t *testing.T) {
	t.Parallel()
	d, err := StartDemo(t.Context(), DemoOptions{NoRateLimits: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	for _, line := range []string{"/incident declare p3 leaked token", "/incident INC-0001 role take commander", "/postmortem item INC-0001 add scan the logs",
		"/incident INC-0001 resolve rotated", "/postmortem publish INC-0001"} {
		if reply, err := d.do(t.Context(), []string{line, "alice"}); err != nil || reply.Refused != nil {
			t.Fatal(line, err, reply.Refused)
		}
		eventually(t, "it is quiet", func() bool { return d.idle(t.Context()) })
	}
	issue := func() github.Issue {
		for _, i := range d.World.GitHub.Issues(sandbox.RepoPrivate) {
			if s := d.state(t); i.Number == s.Items[0].Number {
				return i
			}
		}
		t.Fatal("the item has no issue")
		return github.Issue{}
	}
	owner := func() incident.PersonID { return d.state(t).Items[0].Owner }
	eventually(t, "the item is filed", func() bool { return d.state(t).Items[0].Number > 0 && d.idle(t.Context()) })
	n := issue().Number
	was := len(d.told(t, "assigned")) // the post-mortem's own
	if err := d.World.GitHub.Assign("alice", sandbox.RepoPrivate, n, "carol"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the item is carol's", func() bool { return owner() == "carol" })
	// A second assignee is help, not a new owner; the same delivery again is no news.
	if err := d.World.GitHub.Assign("alice", sandbox.RepoPrivate, n, "bob"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "GitHub has told both", func() bool { return len(d.told(t, "assigned")) == was+2 && d.idle(t.Context()) })
	before := d.state(t).Seq
	for _, again := range d.told(t, "assigned")[was:] {
		if err := d.World.GitHub.Redeliver(d.hook(t), again.ID); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "GitHub has told both again", func() bool { return len(d.told(t, "assigned")) == was+4 && d.idle(t.Context()) })
	if s := d.state(t); s.Seq != before || owner() != "carol" {
		t.Errorf("owner %q, %d new lines", owner(), s.Seq-before)
	}
	if got := issue().Assignees; len(got) != 2 {
		t.Errorf("Tocsin wrote back: %q", got)
	}
	// Changed here it is exactly so there, and the echo moves nothing.
	if reply, err := d.do(t.Context(), []string{"/postmortem item INC-0001 assign 1 dave", "alice"}); err != nil || reply.Refused != nil {
		t.Fatal(err, reply.Refused)
	}
	eventually(t, "dave alone is assigned there", func() bool { a := issue().Assignees; return len(a) == 1 && a[0] == "dave" })
	eventually(t, "GitHub has told all", func() bool { return len(d.told(t, "unassigned")) >= 2 })
	if owner() != "dave" {
		t.Errorf("owner %q", owner())
	}
	if _, err := d.App().db.Verify(t.Context(), "INC-0001"); err != nil {
		t.Error(err)
	}
}

// hook is the id of GitHub's webhook to us.
func (d *Demo) hook(t *testing.T) int64 {
	t.Helper()
	const first, most = 2_100_000_000, 10_000 // as the sandbox counts
	for id := int64(first); id < first+most; id++ {
		if len(d.World.GitHub.Deliveries(id)) > 0 {
			return id
		}
	}
	t.Fatal("GitHub has told nothing")
	return 0
}

// told are the deliveries of an action that we took.
func (d *Demo) told(t *testing.T, action string) []github.Delivery {
	t.Helper()
	return slices.DeleteFunc(d.World.GitHub.Deliveries(d.hook(t)), func(one github.Delivery) bool {
		return one.Action != action || one.Status != http.StatusNoContent
	})
}

func (d *Demo) state(t *testing.T) incident.State {
	t.Helper()
	s, err := d.newest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}
