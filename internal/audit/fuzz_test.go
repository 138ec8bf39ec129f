package audit_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/internal/audit"
)

// An export comes from whoever hands it over: it is judged, whatever is in it, and no
// byte of it can steer the terminal that the judgement is shown on.
func FuzzVerify(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.jsonl"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("{}\n{\"type\":\"event\"}\n")
	f.Add("\x1b[2J\n")
	f.Fuzz(func(t *testing.T, export string) {
		r, err := audit.Verify(strings.NewReader(export), strings.Repeat("ab", 32), nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.OK() {
			t.Error("a key that signed nothing vouched for an export")
		}
		var b strings.Builder
		if err := r.Write(&b); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsRune(b.String(), '\x1b') {
			t.Errorf("it steers the terminal: %q", b.String())
		}
	})
}
