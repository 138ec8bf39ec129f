package emulation

import (
	"slices"
	"testing"

	"github.com/tocsin-ir/tocsin/sensor/detect/rules"
	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
)

// Every technique is one of its rule's, and no earlier rule has it: else a room would have nothing new to say.
func TestTheTableFitsTheRules(t *testing.T) {
	files, err := sigma.Read(rules.Files())
	if err != nil {
		t.Fatal(err)
	}
	set, _ := sigma.Compile(files, sigma.Options{})
	before := map[string]string{}
	for _, x := range Techniques() {
		r, ok := set.Find(x.Rule)
		if !ok || set.Called(r) != x.Rule {
			t.Errorf("%s: there is no rule %s", x.ID, x.Rule)
			continue
		}
		if !slices.Contains(r.Techniques(), x.ID) {
			t.Errorf("%s is not a technique of %s: %v", x.ID, x.Rule, r.Techniques())
		}
		if earlier := before[x.ID]; earlier != "" {
			t.Errorf("%s of %s is told by %s before", x.ID, x.Rule, earlier)
		}
		for _, q := range r.Techniques() {
			before[q] = x.Rule
		}
	}
}
