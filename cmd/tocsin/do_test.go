//go:build !solo

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/templates"
)

// cli is the command line beside a running server.
type cli struct {
	t    *testing.T
	here []string // the server's machine: its database, its Slack, its plan
	url  string
}

func startCLI(t *testing.T) (*app.Demo, cli) {
	t.Helper()
	dir := t.TempDir()
	d, err := app.StartDemo(t.Context(), app.DemoOptions{Database: filepath.Join(dir, "tocsin.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	agreed := filepath.Join(dir, "plan")
	if err := os.CopyFS(agreed, templates.DemoPlan()); err != nil {
		t.Fatal(err)
	}
	return d, cli{t, []string{"--workspace", "demo", "--database", filepath.Join(dir, "tocsin.db"), "--plan", agreed,
		"--slack-url", d.World.SlackURL, "--slack-bot-token", d.World.BotToken, "--slack-signing-secret", d.World.SigningSecret}, d.URL}
}

// runs runs a command and returns what it printed and how it ended.
func (c cli) runs(args ...string) (out, errs string, code int) {
	var o, e bytes.Buffer
	code = run(args, &o, &e)
	return o.String(), e.String(), code
}

// The commands as people type them: a token is made and goes into a file, its owner
// speaks to the server with it, watches, and is out once it is revoked.
func TestATokenFromTheCommandLine(t *testing.T) {
	t.Parallel()
	_, c := startCLI(t)
	token, told, code := c.runs(append([]string{"token", "create", "--person", "alice", "--name", "laptop", "--for", "30d"}, c.here...)...)
	token = strings.TrimSpace(token)
	if code != 0 || !strings.HasPrefix(token, "tocsin_pat_") || strings.Contains(told, token) || !strings.Contains(told, "shown this once") {
		t.Fatalf("%d: %q\n%s", code, token, told)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	far := []string{"--server", c.url, "--token", "@" + file}

	out, errs, code := c.runs(append([]string{"do", "/incident declare p2 odd logins"}, far...)...)
	if code != 0 || !strings.Contains(out, "INC-0001") || strings.Contains(out, "Still to be done") {
		t.Errorf("declare: %d\n%s%s", code, out, errs)
	}
	t.Log(out)
	for _, said := range []string{"Bob Brandt", "room"} { // what came of it: who was paged, that the room is open
		if !strings.Contains(out, said) {
			t.Errorf("declare does not say %q:\n%s", said, out)
		}
	}
	if out, _, code := c.runs(append([]string{"do", "--wait=0", "/incident sev p9"}, far...)...); code != 1 || out == "" {
		t.Errorf("a refusal: %d %s", code, out)
	}
	if out, _, code := c.runs(append([]string{"token", "list"}, c.here...)...); code != 0 || !strings.Contains(out, "alice") || !strings.Contains(out, "laptop") || strings.Contains(out, token[25:]) {
		t.Errorf("list: %d\n%s", code, out)
	}

	// She watches, in a pipe, until the token is revoked.
	var screen, trouble strings.Builder
	ended := make(chan int)
	go func() {
		ended <- run(append([]string{"do", "--read-only", "INC-0001"}, far...), &lockedWriter{w: &screen}, &trouble)
	}()
	if _, errs, code := c.runs(append([]string{"do", "--as", "bob", "--wait", "0s", "INC-0001 note seen on web-3"}, c.here...)...); code != 0 {
		t.Errorf("on the database: %d %s", code, errs)
	}
	time.Sleep(time.Second) // let her see it
	id := strings.Split(token, "_")[2]
	if out, _, code := c.runs(append([]string{"token", "revoke", id}, c.here...)...); code != 0 || !strings.Contains(out, id+" is revoked") {
		t.Errorf("revoke: %d %s", code, out)
	}
	select {
	case code := <-ended:
		if code != 1 || !strings.Contains(trouble.String(), "This token was revoked") {
			t.Errorf("watching: %d %s", code, trouble.String())
		}
	case <-time.After(20 * time.Second):
		t.Fatal("she watches on")
	}
	t.Log(screen.String())
	for _, seen := range []string{"P2 INC-0001  odd logins", "TIMELINE", "seen on web-3"} {
		if !strings.Contains(screen.String(), seen) {
			t.Errorf("she did not see %q:\n%s", seen, screen.String())
		}
	}
	if strings.Contains(screen.String(), "\x1b") {
		t.Error("a pipe is sent escape sequences")
	}
}

// What is asked wrongly is said before anything is done.
func TestDoorsThatDoNotOpen(t *testing.T) {
	t.Parallel()
	_, c := startCLI(t)
	for says, args := range map[string][]string{
		"who asks?":                      {"do", "/incident status"},
		"leave out --as":                 {"do", "--server", c.url, "--as", "alice", "/incident status"},
		"no token: set TOCSIN_TOKEN":     {"do", "--server", c.url, "/incident status"},
		"not sent over plain HTTP":       {"do", "--server", "http://192.0.2.1", "--token", "x", "/incident status"},
		"a token is needed":              {"do", "--server", c.url, "--token", "x", "/incident status"},
		"I do not know this token.":      {"do", "--server", c.url, "--token", "tocsin_pat_aaaaaaaaaa_" + strings.Repeat("A", 52), "/incident status"},
		"the plan has no person":         append([]string{"do", "--as", "mallory", "/incident status"}, c.here...),
		"between a moment and 366 days":  append([]string{"token", "create", "--person", "alice", "--for", "9999d"}, c.here...),
		"only members of the workspace":  append([]string{"token", "create", "--person", "U0GUS0001"}, c.here...),
		"there is no token \"nothing\"":  append([]string{"token", "revoke", "nothing"}, c.here...),
		"say which: ids, or --person":    append([]string{"token", "revoke"}, c.here...),
		"There is no INC-0099.":          append([]string{"watch", "INC-0099", "--as", "alice"}, c.here...),
		"There is no hold:host/web-3.":   append([]string{"watch", "hold:host/web-3", "--as", "alice"}, c.here...),
		"nothing was said; try":          append([]string{"do", " ", "--as", "alice"}, c.here...),
		"is not the address of a server": {"watch", "INC-0001", "--server", "nonsense", "--token", "x"},
	} {
		out, errs, code := c.runs(args...)
		if code != 1 || !strings.Contains(errs, says) {
			t.Errorf("%q: %d\n%s%s", args[:2], code, out, errs)
		}
	}
}
