package memory_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/memory"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func ask[T any](t testing.TB, m *memory.Memory, q *wire.Question) (all []T, more uint64, err error) {
	t.Helper()
	more, err = m.Ask(t.Context(), q, func(r any) error {
		v, ok := r.(T)
		if !ok {
			t.Errorf("a row of %s is a %T", q.GetWhat(), r)
		}
		all = append(all, v)
		return nil
	})
	return all, more, err
}

func started(i int, exe string) event.Event {
	return event.Event{Kind: event.Exec, At: noon.Add(time.Duration(i) * time.Second), Process: event.Process{Key: event.Key{PID: uint32(i), Start: 1}, Exe: exe}, Exec: &event.ExecOf{}}
}

func TestTheOldestIsForgotten(t *testing.T) {
	m := memory.New(memory.Options{Events: 100})
	for i := range 250 {
		m.Remember([]event.Event{started(i, "/bin/x")})
	}
	got, more, err := ask[event.Event](t, m, &wire.Question{What: wire.AskTimeline})
	if err != nil || more != 0 || len(got) != 100 || got[0].Process.PID != 150 || got[99].Process.PID != 249 {
		t.Errorf("%d rows, %d more, %v", len(got), more, err)
	}
	got, more, _ = ask[event.Event](t, m, &wire.Question{What: wire.AskTimeline, FromMs: noon.Add(200 * time.Second).UnixMilli(), Most: 10})
	if len(got) != 10 || more != 40 || got[9].Process.PID != 249 {
		t.Errorf("the newest ten from 200 on: %d rows, %d more", len(got), more)
	}
	got, _, _ = ask[event.Event](t, m, &wire.Question{What: wire.AskTimeline, Kinds: []string{"dns", "of-tomorrow"}})
	if len(got) != 0 {
		t.Errorf("%d starts of programs are DNS", len(got))
	}
}

func TestAHunt(t *testing.T) {
	m := memory.New(memory.Options{Proc: t.TempDir(), Root: t.TempDir()})
	bad := netip.MustParseAddr("198.51.100.7")
	m.Remember([]event.Event{
		{Kind: event.Connect, At: noon, Process: event.Process{Exe: "/usr/bin/curl"}, Net: &event.NetOf{Remote: netip.AddrPortFrom(bad, 443), Name: "evil.example"}},
		{Kind: event.DNS, At: noon, Process: event.Process{Exe: "/usr/bin/dig"}, DNS: &event.DNSOf{Name: "a.evil.example", Answer: true, Addrs: []netip.Addr{bad}}},
		{Kind: event.Connect, At: noon, Net: &event.NetOf{Remote: netip.MustParseAddrPort("192.0.2.1:80"), Name: "notevil.example"}},
		{Kind: event.Exec, At: noon, Process: event.Process{Exe: "/tmp/implant"}, Exec: &event.ExecOf{SHA256: "ab12"}},
	})
	for _, c := range []struct {
		kind, subject string
		want          int
	}{
		{wire.HuntIP, "198.51.100.7", 2}, {wire.HuntIP, "198.51.100.0/24", 2}, {wire.HuntIP, "::ffff:198.51.100.7", 2}, {wire.HuntIP, "203.0.113.1", 0},
		{wire.HuntDomain, "evil.example", 2}, {wire.HuntDomain, "EVIL.example.", 2}, {wire.HuntDomain, "vil.example", 0},
		{wire.HuntHash, "AB12", 1}, {wire.HuntProcess, "implant", 1}, {wire.HuntProcess, "/tmp/*", 1}, {wire.HuntProcess, "[", 0},
	} {
		got, _, err := ask[wire.Found](t, m, &wire.Question{What: wire.AskHunt, Kind: c.kind, Subject: c.subject})
		if err != nil || len(got) != c.want {
			t.Errorf("%s %s: %d rows, want %d, %v", c.kind, c.subject, len(got), c.want, err)
		}
	}
	if _, _, err := ask[wire.Found](t, m, &wire.Question{What: wire.AskHunt, Kind: wire.HuntIP, Subject: "everywhere"}); err == nil {
		t.Error("everywhere is an address")
	}
	if _, _, err := ask[wire.Found](t, m, &wire.Question{What: wire.AskHunt, Kind: wire.HuntPackage, Subject: "xz"}); err == nil {
		t.Error("a host without a known package database says that it has no such package")
	}
	for _, q := range []*wire.Question{{What: "of-tomorrow"}, {What: wire.AskHunt, Kind: "of-tomorrow"}} {
		if _, _, err := ask[any](t, m, q); !errors.Is(err, memory.ErrUnknown) {
			t.Errorf("%v: %v", q, err)
		}
	}
}

func TestPackages(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "var/lib/dpkg/status")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	text := "Package: xz-utils\nStatus: install ok installed\nVersion: 5.6.1-1\n\nPackage: bash\nVersion: 5.2\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, _, err := ask[wire.Found](t, memory.New(memory.Options{Root: root}), &wire.Question{What: wire.AskHunt, Kind: wire.HuntPackage, Subject: "xz*"})
	if err != nil || len(got) != 1 || got[0].What != "xz-utils 5.6.1-1" {
		t.Errorf("%+v %v", got, err)
	}
}

// This test's own child, on this machine.
func TestWhatRunsAndListens(t *testing.T) {
	m := memory.New(memory.Options{})
	child := exec.CommandContext(t.Context(), "sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	pid := strconv.Itoa(child.Process.Pid)
	tree, _, err := ask[wire.Process](t, m, &wire.Question{What: wire.AskTree, Subject: pid})
	if err != nil || len(tree) < 2 {
		t.Fatalf("%+v %v", tree, err)
	}
	if me, p := tree[len(tree)-2], tree[len(tree)-1]; p.Depth != 0 || p.Comm != "sleep" || int(me.PID) != os.Getpid() || me.Depth != -1 || p.Start == 0 {
		t.Errorf("%+v below %+v", p, me)
	}
	if _, _, err := ask[wire.Process](t, m, &wire.Question{What: wire.AskTree, Subject: "no-such-program"}); err == nil {
		t.Error("a program that does not run has a tree")
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for what, want := range map[string]string{wire.AskListeners: l.Addr().String(), wire.AskConns: c.LocalAddr().String()} {
		all, _, err := ask[wire.Socket](t, m, &wire.Question{What: what})
		found := false
		for _, s := range all {
			if s.Local.String() == want {
				found = int(s.PID) == os.Getpid() && s.Program != ""
			}
		}
		if err != nil || !found {
			t.Errorf("%s: %s of this process is not among %d, %v", what, want, len(all), err)
		}
	}

	self, _ := os.Open("/proc/self/exe")
	b, _ := os.ReadFile(self.Name())
	sum := sha256.Sum256(b)
	got, _, _ := ask[wire.Found](t, m, &wire.Question{What: wire.AskHunt, Kind: wire.HuntHash, Subject: hex.EncodeToString(sum[:])})
	if len(got) != 1 || int(got[0].PID) != os.Getpid() {
		t.Errorf("this program, by its hash: %+v", got)
	}
}

// A tree says in which container a process runs, and what that is called.
func TestATreeNamesContainers(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	scope := "/system.slice/docker-" + id + ".scope"
	proc := t.TempDir()
	for pid, cgroup := range map[string]string{"7": scope, "8": "/elsewhere.slice/docker-" + id + ".scope", "9": "/"} {
		dir := filepath.Join(proc, pid)
		stat := pid + " (nginx) S 1" + strings.Repeat(" 0", 30)
		if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "stat"), []byte(stat), 0o600),
			os.WriteFile(filepath.Join(dir, "cgroup"), []byte("0::"+cgroup+"\n"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	m := memory.New(memory.Options{Proc: proc})
	m.Remember([]event.Event{{Container: event.Container{ID: id, Path: scope}}, {Container: event.Container{ID: id, Path: scope, Name: "web", Image: "nginx:1.27"}}})
	tree, _, err := ask[wire.Process](t, m, &wire.Question{What: wire.AskTree, Subject: "nginx"})
	if err != nil || len(tree) != 3 {
		t.Fatalf("%+v %v", tree, err)
	}
	if tree[0].Called != "0123456789ab web (nginx:1.27)" || tree[1].Called != "" || tree[1].Container != id || tree[2].Container != "" {
		t.Errorf("%+v", tree)
	}
}

func TestAFile(t *testing.T) {
	m := memory.New(memory.Options{})
	dir, _ := filepath.EvalSymlinks(t.TempDir())
	path := filepath.Join(dir, "x")
	look := func(at string) wire.File {
		t.Helper()
		got, _, err := ask[wire.File](t, m, &wire.Question{What: wire.AskFile, Subject: at})
		if err != nil || len(got) != 1 {
			t.Fatalf("%s: %+v %v", at, got, err)
		}
		return got[0]
	}
	if f := look(path); f.There {
		t.Errorf("%+v", f)
	}
	if err := os.WriteFile(path, []byte("abc"), 0o640); err != nil {
		t.Fatal(err)
	}
	if f := look(path); !f.Plain || f.Size != 3 || !strings.HasPrefix(f.SHA256, "ba7816bf") {
		t.Errorf("%+v", f)
	}
	if err := os.Symlink(path, path+"-link"); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{path + "-link", dir} {
		if f := look(at); !f.There || f.Plain || f.SHA256 != "" {
			t.Errorf("%+v", f)
		}
	}
	if _, _, err := ask[wire.File](t, m, &wire.Question{What: wire.AskFile, Subject: "/etc/../etc/passwd"}); err == nil {
		t.Error("a path with dots is clean")
	}
}

// A container, its helper below it and a neighbour, as /proc and the tree show them.
func TestContainers(t *testing.T) {
	proc, tree := t.TempDir(), t.TempDir()
	id := strings.Repeat("ab", 32)
	for pid, cgroup := range map[int]string{10: "/system.slice/docker-" + id + ".scope", 11: "/system.slice/docker-" + id + ".scope/inner", 12: "/user.slice"} {
		dir := filepath.Join(proc, strconv.Itoa(pid))
		_ = os.MkdirAll(dir, 0o700)
		_ = os.WriteFile(filepath.Join(dir, "stat"), fmt.Appendf(nil, "%d (we (ird) S 1 %s", pid, strings.Repeat("7 ", 30)), 0o600)
		_ = os.WriteFile(filepath.Join(dir, "cgroup"), []byte("0::"+cgroup+"\n"), 0o600)
		_ = os.MkdirAll(filepath.Join(tree, cgroup), 0o700)
	}
	m := memory.New(memory.Options{Proc: proc, Cgroups: tree})
	for _, name := range []string{"abab", id, "/system.slice/docker-" + id + ".scope", ""} {
		got, _, err := ask[wire.Container](t, m, &wire.Question{What: wire.AskContainer, Subject: name})
		if err != nil || len(got) != 1 || got[0].Processes != 2 || got[0].Path != "/system.slice/docker-"+id+".scope" || got[0].Cgroup == 0 || got[0].ID != id {
			t.Errorf("%q: %+v %v", name, got, err)
		}
	}
}

func TestNobodyWantsMore(t *testing.T) {
	m := memory.New(memory.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, what := range []string{wire.AskTree, wire.AskConns, wire.AskContainer} {
		if _, err := m.Ask(ctx, &wire.Question{What: what, Subject: "1"}, func(any) error { return nil }); err == nil {
			t.Errorf("%s goes on", what)
		}
	}
}
