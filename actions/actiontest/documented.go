package actiontest

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
)

const (
	tableBegins = "<!-- actions: from the code -->\n"
	tableEnds   = "<!-- end of actions -->\n"
)

// Documented compares what a vendor's document says of its actions with the code, so that
// the rights to install cannot drift: between two comments the document has one section
// for each action. With TOCSIN_WRITE_DOCS=1 it writes them instead.
func Documented(t *testing.T, path string, list []actions.Action) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), tableBegins)
	have, after, ends := strings.Cut(rest, tableEnds)
	if !ok || !ends {
		t.Fatalf("%s has no place for its actions: %q and %q", path, tableBegins, tableEnds)
	}
	want := "\n" + sections(list)
	if os.Getenv("TOCSIN_WRITE_DOCS") == "1" {
		if err := os.WriteFile(path, []byte(before+tableBegins+want+tableEnds+after), 0o644); err != nil { //nolint:gosec // a document is for everybody
			t.Fatal(err)
		}
		return
	}
	if have != want {
		t.Errorf("%s does not say what the code says; TOCSIN_WRITE_DOCS=1 writes it anew\n--- it says\n%s\n--- it should say\n%s", path, have, want)
	}
}

func sections(list []actions.Action) string {
	list = slices.SortedFunc(slices.Values(list), func(a, b actions.Action) int { return strings.Compare(a.Spec().Name, b.Spec().Name) })
	var out strings.Builder
	for _, a := range list {
		s := a.Spec()
		out.WriteString("### `" + s.Name + "`\n\n" + s.Does + "\n\n")
		line := func(what, says string) { out.WriteString("- " + what + ": " + says + "\n") }
		line("Rights", "`"+strings.Join(s.Rights, "`, `")+"`")
		back := "no"
		if s.Reversible {
			back = "yes"
		}
		line("Reversible", back)
		if s.Destroys != "" {
			line("Destroys, and keeps first", s.Destroys)
		}
		for _, p := range s.Params {
			line("Parameter `"+p.Name+"`", p.Help)
		}
		line("Proof", s.Proof)
		line("Example", "`/contain "+s.Example+"`")
		out.WriteString("\n")
	}
	return out.String()
}
