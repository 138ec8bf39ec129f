package main

import (
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/templates"
)

// Whatever the threat model says is proved is proved: each story and test it names is
// there, and each story of an attack is named in it.
func TestTheThreatModelIsProved(t *testing.T) {
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "docs", "threat-model.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := declaredTests(t, root)
	named := map[string]bool{}
	proofs := regexp.MustCompile("`([a-zA-Z0-9_]+)`")
	for line := range strings.SplitSeq(string(text), "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if !strings.HasPrefix(line, "|") || len(cells) < 2 {
			continue
		}
		for _, m := range proofs.FindAllStringSubmatch(cells[len(cells)-1], -1) {
			name := m[1]
			named[name] = true
			if strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") {
				if !tests[name] {
					t.Errorf("there is no test %s", name)
				}
				continue
			}
			if _, err := os.Stat(filepath.Join("testdata", "script", name+".txtar")); err != nil {
				t.Errorf("there is no story %s", name)
			}
		}
	}
	if len(named) < 60 {
		t.Errorf("only %d proofs were found", len(named))
	}
	attacks, err := filepath.Glob(filepath.Join("testdata", "script", "attack_*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range attacks {
		if name := strings.TrimSuffix(filepath.Base(a), ".txtar"); !named[name] {
			t.Errorf("the threat model does not speak of %s", name)
		}
	}
}

// declaredTests are the tests of the house by name.
func declaredTests(t *testing.T, root string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(text, -1) {
			out[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Text that people wrote comes to a terminal and into a log as text: it cannot move the
// cursor, ring or colour, nor begin a line of the log.
func TestWhatPeopleWroteDoesNotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	d, err := app.StartDemo(t.Context(), app.DemoOptions{Log: slog.New(slog.NewTextHandler(&lockedWriter{w: &log}, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	closed := sync.OnceValue(d.Close)
	t.Cleanup(func() { _ = closed() })
	alice, ok := d.App().PlanPerson("alice")
	if !ok {
		t.Fatal("the plan has no alice")
	}
	const steering = "\x1b\x07\u009b\u202e"
	const nasty = "red \x1b[31malert\x1b]0;owned\x07\x1b[2J \u009b31m \u202egpj.exe\nlevel=ERROR msg=\"all is lost\""
	show := func(words string) {
		t.Helper()
		reply, err := d.App().Room().Do(t.Context(), bot.Call{Line: words, Person: alice, Via: incident.ViaCLI, CommandID: incident.CommandID(rand.Text())})
		if err != nil {
			t.Fatal(err)
		}
		if text := templates.Terminal(reply.Card); strings.ContainsAny(text, steering) {
			t.Errorf("%.40q steers the terminal: %q", words, text)
		}
	}
	show("declare p3 " + nasty)
	for _, words := range []string{"note ", "update ", "task add ", "scope host ", "title ", "nonsense ", "join @", "sev ", "type ", "timeline edit 1 "} {
		show("INC-0001 " + words + nasty)
	}
	for _, words := range []string{"status", "timeline", "catchup", "task list", "list", "handoff", "plan"} {
		show("INC-0001 " + words)
	}
	if err := closed(); err != nil {
		t.Error(err)
	}
	if strings.ContainsAny(log.String(), steering) || strings.Contains(log.String(), "\nlevel=") {
		t.Errorf("the log carries it: %s", log.String())
	}
}
