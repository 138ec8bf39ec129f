package contain_test

import (
	"archive/tar"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain"
	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
	"github.com/tocsin-ir/tocsin/sensor/contain/containtest/agent"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
	"github.com/tocsin-ir/tocsin/sensor/contain/process"
)

func mustAddrPort(text string) netip.AddrPort { return netip.MustParseAddrPort(text) }

func told(d done, what string) bool {
	return slices.ContainsFunc(d.Notices, func(n contain.Notice) bool { return n.What == what })
}

func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for b := make([]byte, 4096); ; {
		if _, err := f.Write(b); err != nil {
			return
		}
	}
}

func TestAContainerIsCutOff(t *testing.T) {
	g := newGround(t)
	cut := filepath.Join(g.cgroup, "cut")
	if err := os.Mkdir(cut, 0o755); err != nil {
		t.Fatal(err)
	}
	g.host.Start(t, cut, "talk", containtest.Talk{To: []netip.Addr{peer4, peer6}})
	a := g.agent(t)
	g.ear.Until(t, 10*time.Second, "udp4", "tcp6", "icmp4", "raw6")
	path, err := filepath.Rel(g.settings.Cgroups, cut)
	if err != nil {
		t.Fatal(err)
	}
	id, err := gate.CgroupID(cut)
	if err != nil {
		t.Fatal(err)
	}
	order1 := func(cgroup uint64) []byte {
		return g.signed(t, directive.Cut, func(d *directive.Directive) {
			d.Cut = &directive.CutOf{Path: "/" + path, Cgroup: cgroup}
		})
	}
	if err := a.Try(order{Envelope: order1(id + 1)}, nil); err == nil || !strings.Contains(err.Error(), "ended") {
		t.Errorf("a container that was made anew: %v", err)
	}
	d := ask(t, a, order{Envelope: order1(id)})
	if len(d.Receipt.Notes) != 1 || !strings.Contains(d.Receipt.Notes[0], "shares the network of the host") {
		t.Errorf("receipt: %+v", d.Receipt)
	}
	time.Sleep(settle)
	g.ear.Heard()
	time.Sleep(300 * time.Millisecond)
	heard := g.ear.Heard()
	// Where only a container is cut, the host's kernel still answers the peer of a connection
	// that is no more: an empty segment that says so.
	delete(heard, "reset4")
	delete(heard, "reset6")
	if len(heard) > 0 {
		t.Errorf("the container was heard: %v", heard)
	}
	if p := ask(t, a, order{Verify: "D-2"}).Proof; p.Standing != gate.InEffect {
		t.Errorf("proof: %+v", p)
	}
	ask(t, a, order{Envelope: g.signed(t, directive.Release, release("D-2"))})
	g.ear.Until(t, 10*time.Second, "udp4", "udp6", "icmp4", "raw6")
}

// A domain is blocked by the addresses its name has: those the resolver gives, and those of
// answers that are seen. Addresses that the host lives by are passed over.
func TestADomainIsBlocked(t *testing.T) {
	g := newGround(t)
	g.settings.Names = map[string][]netip.Addr{"evil.example": {peer4, control.Addr(), netip.MustParseAddr("127.0.0.1")}}
	g.talk(t, g.cgroup)
	a := g.agent(t)
	g.ear.Until(t, 10*time.Second, every...)
	ask(t, a, order{Envelope: g.signed(t, directive.Block, func(d *directive.Directive) {
		d.Block = &directive.BlockOf{Domains: []string{"evil.example"}}
	})})
	if p := ask(t, a, order{Verify: "D-1"}).Proof; p.Standing != gate.Stored {
		t.Errorf("before any address is known, the proof says %+v", p)
	}
	ask(t, a, order{Tick: true})
	time.Sleep(settle)
	g.ear.Heard()
	time.Sleep(300 * time.Millisecond)
	heard := g.ear.Heard()
	if heard["udp4"]+heard["tcp4"]+heard["icmp4"]+heard["frame4"] > 0 || heard["udp6"] == 0 {
		t.Errorf("IPv4 should be silent and IPv6 not: %v", heard)
	}
	if d := ask(t, a, order{Saw: "notevil.example", Addrs: []netip.Addr{peer6}}); d.Fresh {
		t.Error("another domain's address is blocked")
	}
	if d := ask(t, a, order{Saw: "C2.Evil.Example.", Addrs: []netip.Addr{peer6}}); !d.Fresh {
		t.Error("a subdomain's address is not blocked")
	}
	time.Sleep(settle)
	g.ear.Heard()
	g.ear.Silence(t, 200*time.Millisecond)
	if p := ask(t, a, order{Verify: "D-1"}).Proof; p.Standing != gate.InEffect {
		t.Errorf("proof: %+v", p)
	}
	holds := ask(t, a, order{Holds: true}).Holds
	if len(holds) != 1 || len(holds[0].Names["evil.example"]) != 2 {
		t.Errorf("addresses: %+v", holds[0].Names)
	}
	// Long after its last answer an address is let go: it may belong to somebody else.
	g.settings.Names = nil
	a.Kill()
	g.settings.Later = 2 * time.Hour
	a = g.agent(t)
	ask(t, a, order{Tick: true})
	g.ear.Until(t, 10*time.Second, "udp4", "udp6")
}

func TestProcessesFilesAndEvidence(t *testing.T) {
	g := newGround(t)
	a := g.agent(t)
	dir := t.TempDir()
	start := func() process.Key {
		cmd := exec.Command("/bin/sh", "-c", "sleep 1000 & sleep 1000 & wait")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		k, err := process.Named(cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
		return k
	}
	tree := start()
	of := &directive.ProcessOf{PID: uint32(tree.PID), Start: tree.Start}
	d := ask(t, a, order{Envelope: g.signed(t, directive.Freeze, func(d *directive.Directive) { d.Process = of })})
	if d.Receipt.Processes == nil || len(d.Receipt.Processes.Members) != 3 {
		t.Errorf("receipt: %+v", d.Receipt)
	}
	a.Kill()
	a = g.agent(t)
	if p := ask(t, a, order{Verify: "D-1"}).Proof; p.Standing != gate.InEffect {
		t.Errorf("frozen: %+v", p)
	}
	if d := ask(t, a, order{Envelope: g.signed(t, directive.Freeze, func(d *directive.Directive) { d.Process = of })}); d.Receipt.Done != contain.Already {
		t.Errorf("frozen again: %+v", d.Receipt)
	}
	ask(t, a, order{Envelope: g.signed(t, directive.Release, release("D-1"))})
	if d := ask(t, a, order{Envelope: g.signed(t, directive.Kill, func(d *directive.Directive) { d.Process = of })}); d.Receipt.Done != contain.Killed {
		t.Errorf("killed: %+v", d.Receipt)
	}

	implant := filepath.Join(dir, "implant")
	if err := os.WriteFile(implant, []byte("evil"), 0o755); err != nil {
		t.Fatal(err)
	}
	d = ask(t, a, order{Envelope: g.signed(t, directive.Quarantine, func(d *directive.Directive) { d.File = &directive.FileOf{Path: implant} })})
	id := d.Receipt.ID
	a.Kill()
	a = g.agent(t)
	if p := ask(t, a, order{Verify: id}).Proof; p.Standing != gate.InEffect {
		t.Errorf("put away: %+v", p)
	}
	if err := os.WriteFile(implant, []byte("evil"), 0o755); err != nil {
		t.Fatal(err)
	}
	if p := ask(t, a, order{Verify: id}).Proof; p.Standing != gate.NotInEffect {
		t.Errorf("the intruder put it back: %+v", p)
	}
	if err := a.Try(order{Envelope: g.signed(t, directive.Release, release(id))}, nil); err == nil {
		t.Error("a file was put back over another")
	}
	if err := os.Remove(implant); err != nil {
		t.Fatal(err)
	}
	ask(t, a, order{Envelope: g.signed(t, directive.Release, release(id))})
	if text, err := os.ReadFile(implant); err != nil || string(text) != "evil" {
		t.Errorf("put back: %q, %v", text, err)
	}

	d = ask(t, a, order{Envelope: g.signed(t, directive.Collect, func(d *directive.Directive) {
		d.Collect = &directive.CollectOf{Files: []string{implant}, Bytes: 16 << 20}
	})})
	if d.Receipt.Evidence == nil || d.Receipt.Done != contain.Kept {
		t.Fatalf("receipt: %+v", d.Receipt)
	}
	names := entries(t, filepath.Join(g.settings.State, d.Receipt.ID+".tar"))
	sum := sha256.Sum256([]byte("evil"))
	if !slices.Contains(names, "sha256/"+hex.EncodeToString(sum[:])) || !slices.Contains(names, "manifest.json") {
		t.Errorf("entries: %v", names)
	}
}

func entries(t *testing.T, path string) (names []string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
}

// The state cannot be read: the next agent obeys nothing, and lets nothing go.
func TestAForgetfulAgentReleasesNothing(t *testing.T) {
	g := newGround(t)
	g.talk(t, g.cgroup)
	a := g.agent(t)
	g.ear.Until(t, 10*time.Second, every...)
	ask(t, a, order{Envelope: g.signed(t, directive.Isolate, nil)})
	a.Kill()
	time.Sleep(settle)
	g.ear.Heard()
	holds, err := filepath.Glob(filepath.Join(g.settings.State, "holds", "*.json"))
	if err != nil || len(holds) != 1 {
		t.Fatalf("holds on the disk: %v, %v", holds, err)
	}
	for _, file := range append(holds, filepath.Join(g.settings.State, "ledger.json")) {
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, whole[:len(whole)/2], 0o600); err != nil {
			t.Fatal(err)
		}
		a = g.host.Start(t, g.cgroup, "agent", g.settings)
		if err := a.Hear(nil); err == nil {
			t.Error("an agent that has lost its memory started")
		}
		a.Kill()
		g.ear.Silence(t, 300*time.Millisecond)
		if err := os.WriteFile(file, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A host that was enrolled takes no other key from whoever comes along.
func TestEnrolledOnce(t *testing.T) {
	folder := t.TempDir()
	key := agent.Key.Public().(ed25519.PublicKey)
	if err := contain.Enrol(folder, "acme", "web-3", key); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(filepath.Join(folder, "ledger.json"))
	if err := contain.Enrol(folder, "evil", "web-3", key); err == nil {
		t.Error("enrolled again")
	}
	after, _ := os.ReadFile(filepath.Join(folder, "ledger.json"))
	if string(before) != string(after) || !json.Valid(after) {
		t.Error("the state changed")
	}
}

// A hold that would let go is extended, and stays instead.
func TestAHoldIsExtended(t *testing.T) {
	g := newGround(t)
	g.talk(t, g.cgroup)
	a := g.agent(t)
	g.ear.Until(t, 10*time.Second, every...)
	ask(t, a, order{Envelope: g.signed(t, directive.Isolate, func(d *directive.Directive) { d.TTL, d.OnExpiry = 2000, directive.LetGo })})
	ask(t, a, order{Envelope: g.signed(t, directive.Extend, release("D-1"))})
	time.Sleep(settle)
	g.ear.Heard()
	g.ear.Silence(t, 2300*time.Millisecond)
	if d := ask(t, a, order{Tick: true}); told(d, contain.Ended) {
		t.Errorf("notices: %+v", d.Notices)
	}
	if err := a.Try(order{Envelope: g.signed(t, directive.Extend, release("D-9"))}, nil); err == nil {
		t.Error("what is not held was extended")
	}
}

// The server's key is replaced, and the agent that starts next knows the new one only.
func TestTheKeyIsReplacedForGood(t *testing.T) {
	g := newGround(t)
	a := g.agent(t)
	next := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize))
	public := func(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }
	ask(t, a, order{Envelope: g.signed(t, directive.Rotate, func(d *directive.Directive) {
		d.Rotate = &directive.RotateOf{Key: public(next), Proof: directive.ProveKey(next, public(agent.Key), "acme", "web-3")}
	})})
	a.Kill()
	a = g.agent(t)
	var d done
	a.Ask(order{Envelope: g.signed(t, directive.Isolate, nil)}, &d)
	if d.Refused != directive.Forged {
		t.Errorf("the old key orders: %+v", d)
	}
}
