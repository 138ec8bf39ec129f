package actiontest

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-ir/tocsin/actions"
)

func (c Case) evidence(t *testing.T) {
	a, w, in := c.make(t)
	pr, ok := a.(actions.Preserver)
	if !ok {
		return
	}
	before := w.Look()
	e, err := pr.Preserve(t.Context(), in)
	if err != nil {
		t.Fatalf("preserve: %v", err)
	}
	if len(e.Items) == 0 {
		t.Error("nothing was preserved")
	}
	for _, item := range e.Items {
		if item.Name == "" || item.From == "" || (item.Open == nil) == (item.Ref == "") || strings.ContainsAny(item.Name, "/\\") {
			t.Errorf("an item that nobody could file: %+v", item)
		}
		if item.Open == nil {
			continue
		}
		f, err := item.Open()
		if err != nil {
			t.Fatalf("%s: %v", item.Name, err)
		}
		n, err := io.Copy(io.Discard, f)
		if err != nil || n == 0 {
			t.Errorf("%s: %d bytes, %v", item.Name, n, err)
		}
		_ = f.Close()
	}
	if d := cmp.Diff(before, w.Look()); d != "" && !t.Failed() {
		t.Errorf("preserving changed the target (-before +after):\n%s", d)
	}
}
