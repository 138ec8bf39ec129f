//go:build !solo

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Evidence as people handle it: listed, taken out under a name, and verified by
// somebody who has the file and the public key and nothing else.
func TestEvidenceFromTheCommandLine(t *testing.T) {
	t.Parallel()
	d, c := startCLI(t)
	for _, line := range []string{"/incident declare p1 okta session theft", "/incident INC-0001 role take commander"} {
		if err := d.World.Slack.Slash(t.Context(), "U0ALICE01", "#general", line); err != nil {
			t.Fatal(err)
		}
	}
	out, file := "", filepath.Join(t.TempDir(), "evidence.tar")
	export := append([]string{"evidence", "export", "inc-0001", "--as", "alice", "--to", "State police", "-o", file}, c.here...)
	for range 100 { // until she has the role
		_, told, code := c.runs(export...)
		if out = told; code == 0 {
			break
		}
		if _, err := os.Stat(file); err == nil {
			t.Fatal("something is left of an export that was refused")
		}
		time.Sleep(100 * time.Millisecond)
	}
	_, verify, ok := strings.Cut(strings.TrimSpace(out), "tocsin evidence verify ")
	if !ok {
		t.Fatal(out)
	}
	words := strings.Fields(verify)
	if told, _, code := c.runs(append([]string{"evidence", "verify"}, words...)...); code != 0 || !strings.Contains(told, "The bundle is whole: 0 items") || !strings.Contains(told, "for State police") {
		t.Errorf("%d: %s", code, told)
	}
	if _, told, code := c.runs(export...); code == 0 || !strings.Contains(told, "exists") {
		t.Errorf("an export wrote over a file: %d %s", code, told)
	}
	for args, says := range map[string]string{
		"dave":   "Only the incident commander",
		"nobody": "the plan has no person",
	} {
		other := append([]string{"evidence", "export", "INC-0001", "--as", args, "--to", "himself", "-o", file + args}, c.here...)
		if _, told, code := c.runs(other...); code == 0 || !strings.Contains(told, says) {
			t.Errorf("%s: %d %s", args, code, told)
		}
	}
	list := []string{"evidence", "list", "INC-0001", "--workspace", "demo", "--database", c.here[3]}
	if told, errs, code := c.runs(list...); code != 0 || !strings.Contains(told, "INC-0001: 0 items") {
		t.Errorf("%d: %s %s", code, told, errs)
	}
	list[2] = "INC-0099"
	if _, told, code := c.runs(list...); code == 0 || !strings.Contains(told, "there is no incident INC-0099") {
		t.Errorf("%d: %s", code, told)
	}
}

// A bundle of long ago needs no database and no configuration.
func TestEvidenceVerify(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("..", "..", "internal", "evidence", "bundle", "testdata", "bundle-v1.tar")
	whole, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	const key = "8320a51977d8c38ca8a4927c670df5821e449761945e15e9efb26a1509d230ea"
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, bytes.Replace(whole, []byte("two factors"), []byte("one factors"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{golden, key}, 0, "The bundle is whole: 6 items"},
		{[]string{golden, key, "--json"}, 0, `"problems": []`},
		{[]string{golden, key}, 0, "E1 factors.json: kept, 11 bytes"},
		{[]string{bad, key}, 1, "item 1 (factors.json): its content was changed"},
		{[]string{golden, strings.Repeat("0", 64)}, 1, "nobody vouches"},
		{[]string{golden, "nonsense"}, 1, "neither 64 hex digits nor a file"},
		{[]string{golden}, 2, "<key>"},
	} {
		var out bytes.Buffer
		if code := run(append([]string{"evidence", "verify"}, c.args...), &out, &out); code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("%v: exit code %d, want %d and %q:\n%s", c.args, code, c.code, c.says, out.String())
		}
	}
}
