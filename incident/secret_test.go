package incident

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func found(kind string, n int) []FoundSecret { return []FoundSecret{{kind, n}} }

// However often a message is edited, delivered again or kept, nobody is warned twice
// of the same secret, and more of them than ever is always warned of.
func TestAMessageIsWarnedOfOnceForEachSecret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRoom().must(alice, Declare{Title: "x", Severity: P3})
		most := map[string]int{}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			r.now = r.now.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "seconds")) * time.Second)
			ts := rapid.SampledFrom([]string{"1.1", "2.2"}).Draw(t, "message")
			kind := rapid.SampledFrom([]string{"password", "aws-access-token"}).Draw(t, "kind")
			n := rapid.IntRange(1, 4).Draw(t, "count")
			by := rapid.SampledFrom([]Person{alice, bob, {}}).Draw(t, "by")
			ref := MessageRef{Channel: "C1", TS: ts}
			before := len(happened[SecretSeen](r))
			if rapid.IntRange(0, 5).Draw(t, "kept") == 0 {
				_ = r.say(alice, KeepMessage{ref, bob, "text"}, found(kind, n)...)
				if !r.s.Kept[ref.key()] {
					t.Fatal("not kept")
				}
				if len(happened[SecretSeen](r)) > before && n <= most[ts+kind] {
					t.Fatal("a message that was warned of was warned of again for being kept")
				}
				if len(happened[SecretSeen](r)) > before {
					most[ts+kind] = n
				}
				continue
			}
			r.must(Vendor("slack"), SecretFound{ref, by, found(kind, n)})
			warned := len(happened[SecretSeen](r)) > before
			if warned != (n > most[ts+kind]) {
				t.Fatalf("message %s holds %d × %s, had at most %d: warned %v", ts, n, kind, most[ts+kind], warned)
			}
			most[ts+kind] = max(most[ts+kind], n)
		}
	})
}

func TestWhatIsTypedIsWarnedOfWhereItStands(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P3})
	if err := r.say(bob, AddNote{"the password is hunter2"}, found("password", 1)...); err != nil {
		t.Fatal(err)
	}
	seen := happened[SecretSeen](r)
	if len(seen) != 1 || seen[0].Author != "bob" {
		t.Fatalf("%+v", seen)
	}
	if _, ok := r.events[seen[0].Entry-1].Event.(Noted); !ok {
		t.Fatalf("entry %d is %T", seen[0].Entry, r.events[seen[0].Entry-1].Event)
	}
	to := map[Place]bool{}
	for _, o := range r.owed {
		if say, ok := o.Effect.(Say); ok && o.Seq == r.s.Seq {
			to[say.To] = true
		}
	}
	if !to[PlaceRoom] || !to[PlacePerson] {
		t.Fatalf("the room and the author are told: %v", to)
	}
	_, _, line, err := EncodeEvent(seen[0])
	if err != nil || strings.Contains(string(line), "hunter2") {
		t.Fatalf("%s %v", line, err)
	}
}

func TestARefusedLineWarnsNobody(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P3})
	if err := r.say(guest, AddNote{"password: hunter2"}, found("password", 1)...); err == nil || len(happened[SecretSeen](r)) != 0 {
		t.Fatal(err, happened[SecretSeen](r))
	}
}

// A mention is a message of the room and words to Tocsin at once.
func TestOneActIsWarnedOfOnce(t *testing.T) {
	for _, messageFirst := range []bool{true, false} {
		r := newRoom().must(alice, Declare{Title: "x", Severity: P3})
		steps := []func(){
			func() {
				r.must(Vendor("slack"), SecretFound{MessageRef{Channel: "C1", TS: "1"}, bob, found("password", 1)})
			},
			func() {
				if err := r.say(bob, AddNote{"password: hunter2"}, found("password", 1)...); err != nil {
					t.Fatal(err)
				}
			},
		}
		if !messageFirst {
			steps[0], steps[1] = steps[1], steps[0]
		}
		steps[0]()
		r.now = r.now.Add(time.Second)
		steps[1]()
		seen := happened[SecretSeen](r)
		if len(seen) != 2 || seen[0].Again || !seen[1].Again {
			t.Fatalf("%+v", seen)
		}
	}
}

// A secret is typed, and at once another of the same kind is said by name, of which Slack
// tells as a message first: there are two secrets, and two warnings.
func TestTwoActsAreWarnedOfTwice(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P3})
	warned := func() (n int) {
		for _, s := range happened[SecretSeen](r) {
			if !s.Again {
				n++
			}
		}
		return n
	}
	for i, typed := range []bool{true, false, true} {
		r.now = r.now.Add(time.Second)
		if !typed {
			r.must(Vendor("slack"), SecretFound{MessageRef{Channel: "C1", TS: "1.1"}, bob, found("password", 1)})
		} else if err := r.say(bob, AddNote{"the password is hunter2"}, found("password", 1)...); err != nil {
			t.Fatal(i, err)
		}
	}
	if got := warned(); got != 2 {
		t.Errorf("warned %d times: %+v", got, happened[SecretSeen](r))
	}
}
