package incident

import (
	"testing"

	"pgregory.net/rapid"
)

// Whatever is marked, waived and published in whatever order: while the latest word
// on a marked incident is the marking, nothing of it is on its way out.
func TestWhatIsPrivilegedDoesNotLeave(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRoom().must(alice, Declare{Title: "x", Severity: P3}).must(alice, AddItem{Text: "a"}).must(alice, AddItem{Text: "b"}).must(alice, Resolve{})
		items := []int64{r.s.Items[0].Seq, r.s.Items[1].Seq}
		marked, waived := map[int64]bool{}, false
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			seq := rapid.SampledFrom([]int64{0, items[0], items[1]}).Draw(t, "what")
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				if r.ask(bob, MarkPrivileged{Seq: seq, Why: "counsel"}) == nil {
					marked[seq], waived = true, false
				}
			case 1:
				if r.ask(bob, MarkPrivileged{Seq: seq, Off: true, Why: "a mistake"}) == nil {
					marked[seq] = false
				}
			case 2:
				err := r.ask(alice, PublishPostMortem{})
				if (err == nil) != (!marked[0] || waived) {
					t.Fatalf("marked %v, waived %v, publish: %v", marked, waived, err)
				}
			case 3:
				r.must(alice, PublishPostMortem{Waive: "counsel agreed"})
				waived = true
			}
			for _, o := range r.owed {
				out := Wanted(r.task(o), r.now) == nil
				switch e := o.Effect.(type) {
				case Publish:
					if out && marked[0] && !waived {
						t.Fatal("a marked incident would be published")
					}
				case FileItem:
					if out && (marked[0] || marked[items[e.N-1]]) && !waived {
						t.Fatalf("action item %d would be filed", e.N)
					}
				}
			}
		}
	})
}
