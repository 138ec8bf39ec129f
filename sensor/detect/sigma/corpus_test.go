package sigma

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// corpus is the folder of rules that TOCSIN_SIGMA_CORPUS names: other people's, which are
// no part of this project. Without it there are only ours.
func corpus(t testing.TB) []File {
	t.Helper()
	dir := os.Getenv("TOCSIN_SIGMA_CORPUS")
	if dir == "" {
		dir = "../rules"
		t.Log("TOCSIN_SIGMA_CORPUS names no folder of Sigma rules; the starter pack stands in")
	}
	files, err := Read(os.DirFS(dir))
	if err != nil || len(files) == 0 {
		t.Fatal(len(files), err)
	}
	return files
}

// Every rule of a collection compiles. What the sensor has no events for is named.
func TestCorpusCompiles(t *testing.T) {
	files := corpus(t)
	set, problems := Compile(files, Options{})
	for _, p := range problems {
		if p.Warning {
			t.Log(p)
		} else {
			t.Error(p)
		}
	}
	if len(set.Rules()) < len(files) {
		t.Errorf("%d rules of %d files", len(set.Rules()), len(files))
	}
	blind := map[string][]string{}
	for _, r := range set.Blind() {
		why := r.Source.String()
		if Sourced(r.Source) {
			why += ", but a field or kind of record is missing"
		}
		blind[why] = append(blind[why], r.Title)
	}
	var names []string
	for n := range blind {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		t.Logf("no event of the sensor for %s (%d): %s", n, len(blind[n]), strings.Join(blind[n], "; "))
	}
}
