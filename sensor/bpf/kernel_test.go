package bpf

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// watch opens the eyes, or skips where the kernel lets nobody.
func watch(t *testing.T, o Options) (*Eyes, *Reader) {
	t.Helper()
	e, err := Open(o)
	if err != nil {
		if os.Getenv("TOCSIN_TEST_REQUIRE_ALL") == "1" || !errors.Is(err, ErrRefused) && !errors.Is(err, ErrNoBTF) {
			t.Fatalf("the programs cannot be loaded: %v%s", err, why(err))
		}
		t.Skipf("the programs cannot be loaded: %v", err)
	}
	t.Cleanup(func() { _ = e.Close() })
	r, err := e.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return e, r
}

// why is the end of what the verifier said.
func why(err error) string {
	var v *ebpf.VerifierError
	if !errors.As(err, &v) {
		return ""
	}
	return "\n" + strings.Join(v.Log[max(0, len(v.Log)-25):], "\n")
}

// drain reads what there is, until nothing comes any more.
func drain(t *testing.T, r *Reader) []event.Event {
	t.Helper()
	var all []event.Event
	for {
		n := len(all)
		err := r.Drain(1<<20, func(_ Lane, b []byte) {
			e, err := Decode(b, time.Unix(0, 0))
			if err != nil {
				t.Errorf("%v", err)
			}
			all = append(all, e)
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == n {
			return all
		}
	}
}

func has(all []event.Event, fits func(event.Event) bool) bool { return slices.ContainsFunc(all, fits) }

// hooksRun checks that every hook runs that the kernel has at all: what a verifier refuses
// is a fault of ours, and it says why. Only tracepoints that are not there may be missing.
func hooksRun(t *testing.T, e *Eyes) {
	t.Helper()
	for _, h := range e.Hooks {
		t.Logf("%s: %s", h.What, h.Runs)
		if h.Runs != "" && strings.Count(h.Runs, ",") == strings.Count(h.Better, ",") || errors.Is(h.Err, os.ErrNotExist) {
			continue
		}
		t.Errorf("%s runs by %q: %v%s", h.What, h.Runs, h.Err, why(h.Err))
	}
}

// A kernel that takes the new atomics runs the programs that use them; no other does.
func TestWhichObject(t *testing.T) {
	watch(t, Options{}) // or skip
	spec, err := loadEyes()
	if err != nil {
		t.Fatal(err)
	}
	only := spec.Copy()
	for name := range only.Programs {
		if name != "fork_raw" && name != "exit_raw" {
			delete(only.Programs, name)
		}
	}
	c, err := ebpf.NewCollection(only)
	if err == nil {
		c.Close()
	}
	if fetchAdd() != (err == nil) {
		t.Errorf("the probe says %t, and loading: %v%s", fetchAdd(), err, why(err))
	}
}

// Whatever hook is refused, and on the programs for old kernels too, the same is seen.
func TestFallbacks(t *testing.T) {
	btf := func(hook string) bool { return strings.HasPrefix(hook, "tp_btf/") }
	looked := cost{}
	for name, o := range map[string]Options{"as it is": {}, "without BTF tracepoints": {refuse: btf}, "before 5.12": {old: true},
		"before 5.12, without": {old: true, refuse: btf}} {
		t.Run(name, func(t *testing.T) {
			o.See = true
			e, r := watch(t, o)
			hooksRun(t, e)
			looked.add(t, e, o.old)
			for _, h := range e.Hooks {
				if strings.HasPrefix(h.Better, "tp_btf/") && (o.refuse != nil) != strings.HasPrefix(h.Runs, "raw_tp/") {
					t.Errorf("%s runs by %q: %v", h.What, h.Runs, h.Err)
				}
			}
			cmd := exec.Command("true", "one", "two")
			if err := cmd.Run(); err != nil {
				t.Fatal(err)
			}
			l, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			if c, err := net.Dial("tcp4", l.Addr().String()); err == nil {
				_ = c.Close()
			}
			_ = l.Close()
			if err := os.WriteFile("/etc/tocsin-test", nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove("/etc/../etc/tocsin-test"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
			all := drain(t, r)
			pid, self := uint32(cmd.Process.Pid), uint32(os.Getpid())
			for what, fits := range map[string]func(event.Event) bool{
				"exec": func(e event.Event) bool {
					return e.Kind == event.Exec && e.Process.PID == pid && slices.Equal(e.Process.Args, []string{"true", "one", "two"})
				},
				"exit":   func(e event.Event) bool { return e.Kind == event.Exit && e.Process.PID == pid && e.Exit.Code == 0 },
				"listen": func(e event.Event) bool { return e.Kind == event.Listen && e.Net.Local.String() == l.Addr().String() },
				"connected": func(e event.Event) bool {
					return e.Kind == event.Connect && e.Process.PID == self && e.Net.Remote.String() == l.Addr().String() && e.Net.Result == 0
				},
				"create": func(e event.Event) bool {
					return e.Kind == event.File && e.File.Op == "create" && e.File.Path == "/etc/tocsin-test"
				},
				"remove": func(e event.Event) bool {
					return e.Kind == event.File && e.File.Op == "remove" && e.File.Path == "/etc/tocsin-test"
				},
			} {
				if !has(all, fits) {
					t.Errorf("no %s among %d events", what, len(all))
				}
			}
		})
	}
	t.Log("\n" + looked.table())
	if os.Getenv("TOCSIN_GENERATE") == "1" && !t.Failed() {
		generate(t, looked.table())
	}
}

// cost is what the verifier had to look at, by program, in the present object and in the
// one for old kernels. It grows with every line; at a million a kernel refuses. The table
// in docs/sensor.md is written by make generate where programs may be loaded.
type cost map[string][2]uint32

func (c cost) add(t *testing.T, e *Eyes, old bool) {
	t.Helper()
	for name, p := range e.Programs() {
		info, err := p.Info()
		if err != nil {
			t.Fatal(err)
		}
		n, known := info.VerifiedInstructions()
		if !known {
			return // the kernel tells since 5.16
		}
		if n > 900_000 {
			t.Errorf("%s: %d instructions; at a million the verifier gives up", name, n)
		}
		both := c[name]
		if old {
			both[1] = n
		} else {
			both[0] = n
		}
		c[name] = both
	}
}

func (c cost) table() string {
	var table strings.Builder
	table.WriteString("| program | instructions verified | for kernels before 5.12 |\n|---|---:|---:|\n")
	for _, n := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&table, "| `%s` | %d | %d |\n", n, c[n][0], c[n][1])
	}
	return table.String()
}

const begin, end = "<!-- verifier: begin -->\n", "<!-- verifier: end -->"

func generate(t *testing.T, table string) {
	const path = "../../docs/sensor.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", path)
	}
	if err := os.WriteFile(path, []byte(before+begin+table+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
