package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/templates"
)

// The key of a database is changed: what was said reads as before, with the new key
// file and not with the old one; a change that was interrupted is brought to its end.
func TestTheMasterKeyIsChanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := filepath.Join(dir, "tocsin.db")
	agreed := filepath.Join(dir, "plan")
	if err := os.CopyFS(agreed, templates.DemoPlan()); err != nil {
		t.Fatal(err)
	}
	at := []string{"--database", db}
	tokens := append([]string{"--plan", agreed, "--slack-bot-token", "xoxb-nobody", "--slack-signing-secret", "nobody", "--slack-url", "http://127.0.0.1:9/"}, at...)
	tocsin := func(want int, args ...string) string {
		t.Helper()
		var out, errs strings.Builder
		if code := run(args, &out, &errs); code != want {
			t.Fatalf("%v: %d\n%s%s", args, code, out.String(), errs.String())
		}
		return out.String() + errs.String()
	}
	export := func() string { return tocsin(0, append([]string{"audit", "export"}, at...)...) }
	tocsin(0, append([]string{"token", "create", "--person", "alice", "--name", "zebra laptop"}, tokens...)...)
	old, err := os.ReadFile(db + ".key")
	if err != nil {
		t.Fatal(err)
	}
	said := tocsin(0, append([]string{"rekey"}, at...)...)
	if !strings.Contains(said, "under the new key") || !strings.Contains(said, db+".key") {
		t.Error(said)
	}
	now, err := os.ReadFile(db + ".key")
	if err != nil || string(now) == string(old) {
		t.Fatal("the key file is the old one", err)
	}
	if list := tocsin(0, append([]string{"token", "list"}, tokens...)...); !strings.Contains(list, "zebra laptop") {
		t.Error(list)
	}
	// Interrupted before the new key file took its place.
	if err := os.Rename(db+".key", db+".key.new"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(db+".key", old, 0o600); err != nil {
		t.Fatal(err)
	}
	if said := tocsin(1, append([]string{"audit", "export"}, at...)...); !strings.Contains(said, "master key") {
		t.Error(said)
	}
	tocsin(0, append([]string{"rekey"}, at...)...)
	if _, err := os.Stat(db + ".key.new"); err == nil {
		t.Error("the new key is still beside the old one")
	}
	export()
	// Given by hand, with a key that is none.
	if said := tocsin(1, append([]string{"rekey", "--key", strings.TrimSpace(string(now)), "--new-key", "beef"}, at...)...); !strings.Contains(said, "64 hex digits") {
		t.Error(said)
	}
	tocsin(0, append([]string{"rekey", "--key", strings.TrimSpace(string(now)), "--new-key", strings.TrimSpace(string(old))}, at...)...)
	if err := os.WriteFile(db+".key", old, 0o600); err != nil {
		t.Fatal(err)
	}
	export()
}
