package app

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What Tocsin and the sandbox's Slack say to each other is what the official packages
// declare: requests, answers, blocks, views and attachments by @slack/web-api and
// @slack/types, events by @slack/types, and what comes of people's clicks and commands
// by @slack/bolt. The TypeScript compiler is the judge. These packages ship no fixtures.
func TestTheSandboxSpeaksSlacksTypes(t *testing.T) {
	if testing.Short() {
		t.Skip("plays stories and compiles TypeScript, which takes seconds")
	}
	t.Parallel()
	compiler := foreign(t, "tsc")
	others, told := playRest(t), playTyped(t)
	if t.Failed() {
		return
	}
	covered(t, told, others)
	clean, only := spared(append(others, told...))
	kept := distinct(clean)
	judged := append([]specimen{}, kept...)
	wrong := map[int]string{} // what the compiler has to find
	for i, a := range allowances {
		one, had := only[i]
		if !had {
			t.Errorf("no payload has what is allowed in %s: %s", a.what, a.path)
			continue
		}
		wrong[len(judged)] = fmt.Sprintf("the types allow by themselves what is allowed in %s: %s", a.what, a.path)
		judged = append(judged, one)
	}
	for _, p := range planted {
		wrong[len(judged)] = fmt.Sprintf("nothing is found in the planted %s: %s", p.What, p.From)
		judged = append(judged, p)
	}
	began := time.Now()
	found := map[int]bool{}
	for _, o := range compiled(t, compiler, judged) {
		found[o.n] = true
		if o.n < len(kept) {
			t.Error(o)
		}
	}
	for i, why := range wrong {
		if !found[i] {
			t.Error(why)
		}
	}
	t.Logf("%d payloads, %d distinct, judged in %s", len(clean), len(kept), time.Since(began).Round(time.Millisecond))
}

// objection is what the compiler has against a specimen.
type objection struct {
	specimen
	n    int // which specimen
	path string
	why  string
}

func (f objection) String() string {
	return fmt.Sprintf("%s: %s: %s (story %s, %s)", f.What, f.path, f.why, f.From, f.Type)
}

// grammar is what the compiler says of a text that is no TypeScript; it looks no further.
var grammar = regexp.MustCompile(`^TS1\d{3}:`)

var complaint = regexp.MustCompile(`^(\w+)\.ts\((\d+),\d+\): error (TS\d+: .*)$`)

// compiled has the compiler judge each specimen by its type.
func compiled(t *testing.T, compiler string, all []specimen) (out []objection) {
	t.Helper()
	dir := t.TempDir()
	modules, err := filepath.Abs(filepath.Join(os.Getenv("TOCSIN_FOREIGN"), "node_modules"))
	if err == nil {
		err = os.Symlink(modules, filepath.Join(dir, "node_modules"))
	}
	if err != nil {
		t.Fatal(err)
	}
	var s script
	s.line(place{-1, ""}, "import type { "+strings.Join(typeNames, ", ")+" } from './types';")
	for i, of := range all {
		s.declare(i, of)
	}
	for name, text := range map[string]string{"types.ts": typePrelude, "said.ts": s.text.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), compiler, "--noEmit", "--strict", "--skipLibCheck", "--pretty", "false", "--target", "es2022",
		"--module", "esnext", "--moduleResolution", "bundler", "--types", "node", "said.ts", "types.ts")
	cmd.Dir = dir
	text, err := cmd.CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if err == nil {
		return nil
	}
	for i, line := range lines {
		found := complaint.FindStringSubmatch(line)
		if found == nil {
			if i == 0 || !strings.HasPrefix(line, " ") {
				t.Fatalf("the compiler says %v and: %s", err, line)
			}
			if n := len(out); n > 0 {
				out[n-1].why += "\n" + line
			}
			continue
		}
		n, _ := strconv.Atoi(found[2])
		if found[1] != "said" || grammar.MatchString(found[3]) || n < 2 || n > len(s.lines) {
			t.Fatalf("the compiler does not understand the test: %s", line)
		}
		at := s.lines[n-1]
		out = append(out, objection{specimen: all[at.specimen], n: at.specimen, path: at.path, why: found[3]})
	}
	return out
}
