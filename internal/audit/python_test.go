package audit_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/audit"
)

// The second verifier and ours agree about what is whole and about 200 files that are
// not: bytes changed, lines dropped, swapped, doubled and cut, and exports that the
// server signed of a database that somebody had written to.
func TestTheSecondVerifierAgrees(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("TOCSIN_TEST_REQUIRE_ALL") == "1" {
			t.Fatal("no python3")
		}
		t.Skip("no python3: the second verifier is written in it")
	}
	script, err := filepath.Abs(filepath.Join("..", "..", "docs", "audit-verify.py"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p, s := theNight(t)
	cases := map[string][]byte{
		"good": p.export(t, s, audit.What{}), "good one": p.export(t, s, audit.What{Stream: "INC-0001"}), "good bare": p.export(t, s, audit.What{WithoutText: true}),
	}
	for name, attack := range map[string]func(p *paper){
		"changed":   func(p *paper) { p.lines["INC-0001"][3].Actor = "mallory" },
		"rewritten": func(p *paper) { p.rewrite("INC-0001", 2, func(l *audit.Line) { l.Actor = "mallory" }) },
		"tail":      func(p *paper) { p.lines["INC-0001"] = p.lines["INC-0001"][:4] },
		"gone":      func(p *paper) { delete(p.lines, "INC-0001") },
		"head":      func(p *paper) { p.heads["INC-0001"][0].Seq = 2 },
		"key":       func(p *paper) { p.keys[0].Public = p.keys[1].Public },
		"text":      func(p *paper) { p.change("dump.bin", "cat.bin") },
		"lost":      func(p *paper) { p.lose("dump.bin") },
		"restored":  func(p *paper) { p.restore("INC-0001", "password is hunter2") },
	} {
		other, _ := theNight(t)
		attack(other)
		cases["attack "+name] = other.export(t, s, audit.What{})
	}
	// Two incidents that shared a text, redacted in the one that is not exported.
	other, _ := theNight(t)
	other.write("INC-0002", "alice", "took_merged", `{"title":?}`, "shared")
	other.write("INC-0001", "bob", "redacted", `{"refs":["`+audit.Refs(other.lines["INC-0002"][0].Data)[0]+`"],"why":"a name"}`)
	other.lose("shared")
	other.sign(t, s, t0.Add(time.Minute))
	cases["good cited"] = other.export(t, s, audit.What{Stream: "INC-0002"})

	for i := range bytes.Count(cases["good"], []byte("\n")) {
		cases[fmt.Sprintf("corrupt cut after %d lines", i)] = bytes.Join(bytes.SplitAfter(cases["good"], []byte("\n"))[:i], nil)
	}
	third, _ := theNight(t)
	if err := audit.TakeOver(t.Context(), third, space, signer(t, 3), t0.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	cases["attack by a key that follows none"] = third.export(t, signer(t, 3), audit.What{})
	lostPath := filepath.Join(dir, "lost")
	if err := os.WriteFile(lostPath, cases["attack by a key that follows none"], 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), python, script, signer(t, 3).Public(), lostPath).CombinedOutput(); err != nil { //nolint:gosec // our own script
		t.Errorf("with the key that took over: %v\n%s", err, out)
	}
	dice := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for i := range 200 {
		cases[fmt.Sprintf("corrupt %03d", i)] = corrupt(dice, cases["good"])
	}
	var names []string
	for name, b := range cases {
		names = append(names, name)
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(names)
	for _, trusted := range []audit.Signer{s, signer(t, 1)} {
		if trusted.ID() != s.ID() { // the key makes no difference to what is corrupt
			names = slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, "corrupt") })
		}
		cmd := exec.CommandContext(t.Context(), python, append([]string{script, trusted.Public()}, names...)...) //nolint:gosec // our own script
		cmd.Dir = dir
		out, err := cmd.Output()
		if err == nil {
			t.Error("its exit code is 0 though most files are not whole")
		}
		theirs := strings.Split(strings.TrimSpace(string(out)), "\n")
		if len(theirs) != len(names) {
			t.Fatalf("%d answers for %d files: %v\n%s", len(theirs), len(names), err, out)
		}
		for i, name := range names {
			r := verify(t, cases[name], trusted)
			if r.OK() != strings.HasPrefix(theirs[i], name+": whole") || r.OK() != strings.HasPrefix(name, "good") {
				t.Errorf("they say %s\nwe say %v %s", theirs[i], r.OK(), problems(r))
			}
		}
	}
	if out, err := exec.CommandContext(t.Context(), python, script, s.Public(), filepath.Join(dir, "good")).CombinedOutput(); err != nil { //nolint:gosec // our own script
		t.Errorf("a whole export: %v\n%s", err, out)
	}
	if _, err := exec.CommandContext(t.Context(), python, script, signer(t, 9).Public(), filepath.Join(dir, "good")).CombinedOutput(); err == nil { //nolint:gosec // our own script
		t.Error("a stranger's key is believed")
	}
}

func corrupt(dice *rand.Rand, good []byte) []byte {
	lines := bytes.SplitAfter(bytes.Clone(good), []byte("\n"))
	lines = lines[:len(lines)-1]
	i, j := dice.IntN(len(lines)), dice.IntN(len(lines)-1)
	switch dice.IntN(8) {
	case 0:
		lines = slices.Delete(lines, i, i+1)
	case 1:
		if j >= i {
			j++
		}
		lines[i], lines[j] = lines[j], lines[i]
	case 2:
		lines = slices.Insert(lines, j, lines[i])
	case 3:
		return bytes.Clone(good)[:dice.IntN(len(good))]
	default:
		bad := bytes.Clone(good)
		bad[dice.IntN(len(bad))] ^= byte(1 + dice.IntN(255))
		return bad
	}
	return bytes.Join(lines, nil)
}
