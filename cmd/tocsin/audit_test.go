package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/internal/audit"
)

// An export of long ago and its public key are enough: no database, no configuration.
func TestAuditVerify(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("..", "..", "internal", "audit", "testdata", "export-v1.jsonl")
	export, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var key struct {
		Public string `json:"public"`
	}
	if err := json.Unmarshal(bytes.Split(export, []byte("\n"))[1], &key); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	keyFile, bad := filepath.Join(dir, "key"), filepath.Join(dir, "bad")
	forged := bytes.Replace(export, []byte(`"actor":"bob"`), []byte(`"actor":"eve"`), 1)
	if bytes.Equal(forged, export) {
		t.Fatal("nothing was forged")
	}
	for path, b := range map[string][]byte{keyFile: []byte(key.Public + " 0011223344556677 since long ago\n"), bad: forged} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{golden, "--key", key.Public}, 0, "redacted by bob, 2026-03-29T00:59:05Z: password pasted (INC-0001/6)"},
		{[]string{golden, "--key", strings.ToUpper(key.Public)}, 0, "The record is whole: 2 streams, 6 texts."},
		{[]string{golden, "--key", keyFile}, 0, "whole"},
		{[]string{bad, "--key", keyFile}, 1, "line 11: line 4 of INC-0001 was changed"},
		{[]string{bad, "--key", keyFile}, 1, "NOT whole"},
		{[]string{golden, "--key", strings.Repeat("0", 64)}, 1, "nobody vouches"},
		{[]string{golden, "--key", "nonsense"}, 1, "neither 64 hex digits nor a file"},
		{[]string{golden, "--key", golden}, 1, "does not begin with 64 hex digits"},
		{[]string{golden}, 2, "--key"},
		{[]string{filepath.Join(dir, "none"), "--key", keyFile}, 1, "no such file"},
	} {
		var out bytes.Buffer
		if code := run(append([]string{"audit", "verify"}, c.args...), &out, &out); code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("%v: exit code %d, want %d and %q:\n%s", c.args, code, c.code, c.says, out.String())
		}
	}
	var out, errs bytes.Buffer
	if code := run([]string{"audit", "verify", bad, "--key", keyFile, "--json"}, &out, &errs); code != 1 || errs.Len() > 0 {
		t.Errorf("exit code %d, %s", code, errs.String())
	}
	var found audit.Report
	if err := json.Unmarshal(out.Bytes(), &found); err != nil || len(found.Problems) < 2 || found.Problems[0].Line != 11 || len(found.Erased) != 1 {
		t.Errorf("%v, %+v", err, found)
	}
}

// A database that is new has a key, and a record with nothing in it that verifies.
func TestAuditKeyAndExport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, file, key := filepath.Join(dir, "tocsin.db"), filepath.Join(dir, "export"), filepath.Join(dir, "key")
	tocsin := func(code int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if got := run(args, &out, &errs); got != code {
			t.Fatalf("%v: exit code %d, %s%s", args, got, out.String(), errs.String())
		}
		return out.String()
	}
	first := tocsin(0, "audit", "key", "--database", db)
	if again := tocsin(0, "audit", "key", "--database", db); again != first {
		t.Errorf("another key: %s", again)
	}
	if err := os.WriteFile(key, []byte(first), 0o600); err != nil {
		t.Fatal(err)
	}
	if both := tocsin(0, "audit", "key", "--rotate", "--database", db); strings.Count(both, "\n") != 2 || !strings.HasSuffix(both, first) {
		t.Errorf("after rotation:\n%s", both)
	}
	tocsin(0, "audit", "export", "--database", db, "-o", file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	tocsin(0, "audit", "verify", file, "--key", key)
	tocsin(1, "audit", "export", "inc-0007", "--database", db, "-o", file)
	// The file was lost with the disk: nothing is signed until somebody says so.
	if err := os.Remove(db + ".audit-key"); err != nil {
		t.Fatal(err)
	}
	tocsin(1, "audit", "export", "--database", db, "-o", file)
	if three := tocsin(0, "audit", "key", "--lost", "--database", db); strings.Count(three, "\n") != 3 || !strings.HasSuffix(three, first) {
		t.Errorf("after the loss:\n%s", three)
	}
	tocsin(0, "audit", "export", "--database", db, "-o", file)
	tocsin(1, "audit", "verify", file, "--key", key) // the key before vouches for nothing new
}
