package plan_test

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/templates"
)

var update = flag.Bool("update", false, "write the golden file anew")

// Whoever wrote the plan hears of every mistake at once, with its place and what
// was probably meant.
func TestEveryMistakeIsToldWithItsPlace(t *testing.T) {
	t.Parallel()
	_, err := plan.Load(os.DirFS("testdata/broken"))
	var broken *plan.Broken
	if !errors.As(err, &broken) {
		t.Fatalf("got %v", err)
	}
	got := broken.Error() + "\n"
	const golden = "testdata/broken.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// files are the default plan's, to be changed by a test.
func files(t *testing.T) fstest.MapFS {
	t.Helper()
	m := fstest.MapFS{}
	for _, name := range names(t) {
		m[name] = &fstest.MapFile{Data: text(t, name)}
	}
	return m
}

func TestOneMistakeAtATime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, text, want string }{
		"misspelt key":        {"settings.yaml", "default_type: other\ndefault_severity: P3\nanounce: x\n", `settings.yaml:3:1: unknown key "anounce"; did you mean "announce"?`},
		"empty file":          {"roles.yaml", "# nothing\n", "roles.yaml:1:1: the file is empty"},
		"alias for a key":     {"assets.yaml", "a: &x b\n*x : c\n", "anchors, aliases and tags are not used in a plan"},
		"merge key":           {"assets.yaml", "assets: []\n<<: {assets: []}\n", "assets.yaml:2:1: "},
		"two documents":       {"assets.yaml", "assets: []\n---\nassets: []\n", "a second document begins here"},
		"anchor":              {"assets.yaml", "assets: &a []\n", "anchors, aliases and tags are not used in a plan; write it out"},
		"not text":            {"assets.yaml", "assets: \xff\n", "assets.yaml: not UTF-8 text"},
		"too large":           {"assets.yaml", strings.Repeat("# much\n", 1<<18), "assets.yaml: larger than 1048576 bytes"},
		"too many keys":       {"assets.yaml", strings.Repeat("a: b\n", 20_000), "more than 30000 lines, colons and commas"},
		"deep brackets":       {"assets.yaml", strings.Repeat("[", 3000), "more than 32 brackets are open"},
		"deep dashes":         {"assets.yaml", strings.Repeat("- ", 1000), "lists in lists more than 16 deep"},
		"long line":           {"assets.yaml", "# " + strings.Repeat("x", 5000), "a line of more than 4000 bytes"},
		"unknown file":        {"severites.yaml", "", `severites.yaml: no file of a plan has this name; did you mean "severities.yaml"?`},
		"yml":                 {"types/odd.yml", "", "types/odd.yml: files of a plan end in .yaml; name it types/odd.yaml"},
		"no commander":        {"roles.yaml", "roles: [{id: scribe, title: Scribe, duty: Writes.}]\n", `the role "commander" is missing`},
		"short working week":  {"severities.yaml", "calendars:\n  rare: {zone: UTC, days: [mon], hours: ['09:00-10:00']}\nseverities: {}\n", "this calendar has 1h of working time a week, and needs 5h"},
		"unquoted channel":    {"settings.yaml", "announce: #incidents\ndefault_type: other\ndefault_severity: P3\n", "settings.yaml:1:10: a value is missing; put it in quotes"},
		"a list for a person": {"people.yaml", "people:\n  - [a, b]\n", "people.yaml:2:5: keys with values are wanted here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := files(t)
			m[c.file] = &fstest.MapFile{Data: []byte(c.text)}
			_, err := plan.Load(m)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got:\n%v\nwant: %s", err, c.want)
			}
		})
	}
}

func TestAMissingFileIsOneProblem(t *testing.T) {
	t.Parallel()
	m := files(t)
	delete(m, "roles.yaml")
	_, err := plan.Load(m)
	if err == nil || err.Error() != "roles.yaml: the file is missing" {
		t.Errorf("got:\n%v", err)
	}
}

func TestOtherFilesAreNoPartOfThePlan(t *testing.T) {
	t.Parallel()
	m := files(t)
	m["README.md"] = &fstest.MapFile{Data: []byte("# Our plan")}
	m[".github/workflow.yaml"] = &fstest.MapFile{Data: []byte("on: push")}
	m[".hidden.yaml"] = &fstest.MapFile{Data: []byte("{")}
	p, err := plan.Load(m)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := plan.Load(templates.DefaultPlan())
	if err != nil || p.Digest() != plain.Digest() {
		t.Errorf("a README changed the plan: %v", err)
	}
}
