package fleet_test

import (
	"os"
	"strings"
	"testing"
)

// The document names every action with its rights, and no other.
func TestTheDocumentNamesEveryAction(t *testing.T) {
	b, err := os.ReadFile("../../docs/adapters/fleet.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "| `fleet."); ok {
			rows["fleet."+rest[:strings.Index(rest, "`")]] = line
		}
	}
	all := serve(t).Actions()
	for _, a := range all {
		s := a.Spec()
		for _, right := range s.Rights {
			if !strings.Contains(rows[s.Name], "`"+right+"`") {
				t.Errorf("docs/adapters/fleet.md does not say that %s needs %s", s.Name, right)
			}
		}
	}
	if len(rows) != len(all) {
		t.Errorf("the document names %d actions, and there are %d", len(rows), len(all))
	}
}
