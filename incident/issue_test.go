package incident

import (
	"slices"
	"testing"
)

// via asks through a door; it returns the whole change.
func (r *room) via(door Door, by Person, c Command) (Change, error) {
	r.n++
	ch, err := Decide(r.s, Asked{ID: CommandID("via" + string(rune('a'+r.n))), By: by, Via: door, At: r.now, What: c}, plan{})
	for _, e := range ch.Events {
		r.s = Apply(r.s, e)
	}
	return ch, err
}

// published is a room whose post-mortem is out, with one item filed as issue 7.
func publishedRoom(t *testing.T) (*room, Change) {
	t.Helper()
	r := newRoom().must(alice, Declare{Title: "x", Severity: P3}).must(alice, AssignRole{Role: Commander, To: alice}).
		must(alice, AddItem{Text: "rotate the key", Owner: &bob}).must(alice, Resolve{Text: "rotated"}).must(alice, PublishPostMortem{})
	if _, err := r.via(ViaEngine, Clockwork, Published{Repo: "Acme/Security", Number: 6, URL: "https://example.com/6"}); err != nil {
		t.Fatal(err)
	}
	filed, err := r.via(ViaEngine, Clockwork, ItemFiled{N: 1, Number: 7, URL: "https://example.com/7"})
	if err != nil {
		t.Fatal(err)
	}
	return r, filed
}

func files(c Change) int {
	n := 0
	for _, o := range c.Effects {
		if _, ok := o.Effect.(FileItem); ok {
			n++
		}
	}
	return n
}

func TestAnIssueFindsItsItem(t *testing.T) {
	_, filed := publishedRoom(t)
	if !slices.Equal(filed.Claims, []string{"gh:acme/security#7"}) {
		t.Errorf("claims %q", filed.Claims)
	}
	// Filed before the repository was known: claimed when it is.
	r := newRoom().must(alice, Declare{Title: "x", Severity: P3}).must(alice, AddItem{Text: "y"})
	early, err := r.via(ViaEngine, Clockwork, ItemFiled{N: 1, Number: 7})
	if err != nil || len(early.Claims) > 0 {
		t.Fatal(early.Claims, err)
	}
	late, err := r.via(ViaEngine, Clockwork, Published{Repo: "acme/security", Number: 6})
	if err != nil || !slices.Contains(late.Claims, "gh:acme/security#7") {
		t.Error(late.Claims, err)
	}
}

func TestClosedOnGitHub(t *testing.T) {
	yes, no := true, false
	for name, by := range map[string]Person{"a responder": bob, "somebody unknown": Vendor("github")} {
		r, _ := publishedRoom(t)
		c, err := r.via(ViaGitHub, by, ChangeItem{N: 1, Done: &yes})
		if err != nil || !r.s.Items[0].Done || files(c) != 0 {
			t.Fatalf("%s: done %v, %d written back, %v", name, r.s.Items[0].Done, files(c), err)
		}
		// The echo of what stands already leaves no line.
		again, err := r.via(ViaGitHub, by, ChangeItem{N: 1, Done: &yes})
		refusedAs(t, err, "same")
		if len(again.Events)+len(again.Effects) > 0 {
			t.Errorf("%s: the echo led to %d events", name, len(again.Events))
		}
		if _, err := r.via(ViaGitHub, by, ChangeItem{N: 1, Done: &no}); err != nil || r.s.Items[0].Done {
			t.Errorf("%s: not open again: %v", name, err)
		}
		_, err = r.via(ViaGitHub, by, ChangeItem{N: 2, Done: &yes})
		refusedAs(t, err, "no-such-item")
	}
	// Here, it is written there.
	r, _ := publishedRoom(t)
	if c, err := r.via(ViaSlack, bob, ChangeItem{N: 1, Done: &yes}); err != nil || files(c) != 1 {
		t.Errorf("%d written, %v", files(c), err)
	}
}

func TestAssignedOnGitHub(t *testing.T) {
	r, _ := publishedRoom(t)
	c, err := r.via(ViaGitHub, Vendor("github"), ChangeItem{N: 1, Owner: &carol})
	if err != nil || r.s.Items[0].Owner != carol.ID || files(c) != 0 {
		t.Fatalf("owner %q, %d written back, %v", r.s.Items[0].Owner, files(c), err)
	}
	_, err = r.via(ViaGitHub, Vendor("github"), ChangeItem{N: 1, Owner: &carol})
	refusedAs(t, err, "same")
	_, err = r.via(ViaGitHub, Vendor("github"), ChangeItem{N: 1, Owner: &guest})
	if err == nil || r.s.Items[0].Owner != carol.ID {
		t.Errorf("a guest became the owner: %v", err)
	}
}

// Somebody who is kept out of an incident changes nothing of it on GitHub either.
func TestExcludedOnGitHub(t *testing.T) {
	r, _ := publishedRoom(t)
	r.must(alice, Exclude{Person: dave})
	yes := true
	if _, err := r.via(ViaGitHub, dave, ChangeItem{N: 1, Done: &yes}); err == nil || r.s.Items[0].Done {
		t.Errorf("the excluded closed it: %v", err)
	}
}
