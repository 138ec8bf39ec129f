package trial_test

import (
	"testing"

	"github.com/tocsin-ir/tocsin/sensor/detect/rules"
	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
	"github.com/tocsin-ir/tocsin/sensor/detect/sigma/trial"
)

// The starter pack: nothing is wrong with it, every rule says what it should, an event of
// the sensor can match it, and it fires for what stands beside it and for nothing else there.
func TestStarterPack(t *testing.T) {
	files, err := sigma.Read(rules.Files())
	if err != nil {
		t.Fatal(err)
	}
	set, problems := sigma.Compile(files, sigma.Options{Loud: true})
	for _, p := range problems {
		t.Error(p)
	}
	trials, err := trial.Read(rules.Files())
	if err != nil {
		t.Error(err)
	}
	for _, o := range trial.Run(set, trials) {
		if !o.Good {
			t.Errorf("%s: %q: fires has to be %v\n%s", o.Trial.File, o.Case.Name, o.Case.Fires, o.Why)
		}
	}
	for _, r := range trial.Untried(set, trials) {
		t.Errorf("%s: %q has not both an event for which it fires and one for which it does not", r.File, r.Title)
	}
	for _, r := range set.Blind() {
		t.Errorf("%s: no event of the sensor can match %q", r.File, r.Title)
	}
	for _, r := range set.Rules() {
		if r.ID == "" || r.Description == "" || r.Status == "" || r.Date == "" || r.Author == "" || r.Level == sigma.None || len(r.FalsePositives) == 0 || len(r.Techniques()) == 0 {
			t.Errorf("%s: %q does not say all of itself", r.File, r.Title)
		}
	}
	if n := len(set.Rules()); n < 60 {
		t.Errorf("%d rules", n)
	}
}
