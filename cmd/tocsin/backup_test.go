package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/internal/app"
)

// The commands as an operator types them, the server running: the key is not in the
// copy, and nothing is ever written over.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	database, file, again := filepath.Join(dir, "tocsin.db"), filepath.Join(dir, "copy"), filepath.Join(dir, "new.db")
	d, err := app.StartDemo(t.Context(), app.DemoOptions{Database: database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	tocsin := func(want int, says string, args ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		if code := run(args, &out, &errs); code != want || !strings.Contains(out.String()+errs.String(), says) {
			t.Errorf("%q: exit code %d\n%s%s", args, code, out.String(), errs.String())
		}
	}
	tocsin(0, "The key file is not in it", "backup", file, "--database", database)
	tocsin(1, "nothing is ever written over", "backup", file, "--database", database)
	tocsin(1, "nothing is ever written over", "restore", file, "--database", database)
	tocsin(0, again+".key", "restore", file, "--database", again)
	tocsin(1, "pg_dump", "backup", filepath.Join(dir, "x"), "--database", "postgres://h/d")
	key, err := os.ReadFile(database + ".key")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil || bytes.Contains(text, bytes.TrimSpace(key)) {
		t.Errorf("the key is in the copy, or %v", err)
	}
}
