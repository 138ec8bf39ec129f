package agent

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/bpf"
	"github.com/tocsin-ir/tocsin/sensor/event"
)

// The test binary plays the intruder too: run with this variable it does the deed of that
// name, with its arguments, and nothing else.
const asDeed = "TOCSIN_TEST_DEED"

func TestMain(m *testing.M) {
	if name := os.Getenv(asDeed); name != "" {
		if err := deeds[name](os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, name+":", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if shared != nil {
		_ = errors.Join(os.RemoveAll(shared.under), os.RemoveAll(shared.names), os.RemoveAll(shared.host))
	}
	os.Exit(code)
}

// world is a sensor on this very kernel and what it has seen. All tests share one: to
// load the programs takes seconds.
type world struct {
	*Agent
	under string // a folder that is watched
	names string // a folder of which renaming is told
	host  string // what runtimes keep on its disk

	mu   sync.Mutex // guards seen
	seen []event.Event
}

var (
	once   sync.Once
	shared *world
	cannot error
)

// kernel gives the world, or skips: without privileges nothing can be watched.
func kernel(t *testing.T) *world {
	t.Helper()
	once.Do(func() { shared, cannot = newWorld() })
	if cannot != nil {
		missing(t, "the programs cannot be loaded:", cannot)
	}
	return shared
}

// missing skips a test for what this machine has not, or fails it where everything must
// be there.
func missing(t testing.TB, why ...any) {
	t.Helper()
	if os.Getenv("TOCSIN_TEST_REQUIRE_ALL") == "1" {
		t.Fatal(why...)
	}
	t.Skip(why...)
}

func newWorld() (*world, error) {
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("not root")
	}
	dir, err := os.MkdirTemp("", "watched")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	w := &world{under: dir, names: dir + "-names", host: dir + "-host"}
	if err := errors.Join(os.Mkdir(w.names, 0o755), os.Mkdir(w.host, 0o755)); err != nil {
		return nil, err
	}
	watch := bpf.DefaultWatch()
	watch.Under, watch.Renamed = append(watch.Under, dir+"/"), append(watch.Renamed, w.names+"/")
	w.Agent, err = Open(Options{Host: "web-3", Sink: w, Profile: bpf.Recovery, Watch: watch, Queue: 4096, Root: w.host})
	if err != nil {
		return nil, err
	}
	go func() { _ = w.Run(context.Background()) }() // until the tests end
	return w, nil
}

func (w *world) Take(_ context.Context, _ Lane, batch []event.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, batch...)
	if len(w.seen) > 1<<18 {
		w.seen = append([]event.Event(nil), w.seen[1<<17:]...)
	}
	return nil
}

// find waits up to twenty seconds (a kernel may run in an emulator) for an event of that kind by that process that fits.
func (w *world) find(t *testing.T, kind event.Kind, pid int, fits func(event.Event) bool) event.Event {
	t.Helper()
	e, ok := w.wait(kind, pid, fits, 20*time.Second)
	if ok {
		return e
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.seen {
		if int(e.Process.PID) == pid {
			t.Logf("seen: %s %+v exec=%+v net=%+v file=%+v priv=%+v sys=%+v dns=%+v", e.Kind, e.Process, e.Exec, e.Net, e.File, e.Priv, e.Sys, e.DNS)
		}
	}
	t.Fatalf("no %s by %d was seen that fits", kind, pid)
	return event.Event{}
}

func (w *world) wait(kind event.Kind, pid int, fits func(event.Event) bool, limit time.Duration) (event.Event, bool) {
	for end := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		w.mu.Lock()
		for _, e := range w.seen {
			if e.Kind == kind && (pid == 0 || int(e.Process.PID) == pid) && (fits == nil || fits(e)) {
				w.mu.Unlock()
				return e, true
			}
		}
		w.mu.Unlock()
		if time.Now().After(end) {
			return event.Event{}, false
		}
	}
}

// deed lets another process do it, and returns its pid when it is done.
func deed(t *testing.T, name string, args ...string) int {
	t.Helper()
	return start(t, command(name, args...))
}

func command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), asDeed+"="+name)
	return cmd
}

func start(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return cmd.Process.Pid
}

// tiny writes a static program of these instructions, which ends at once if there are
// none; elf(5) has the layout.
func tiny(t testing.TB, path string, code ...byte) string {
	t.Helper()
	code = append(code, 0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05) // mov $60,%eax; xor %edi,%edi; syscall
	const base, head = 0x400000, 64 + 56
	elf := make([]byte, head, head+len(code))
	copy(elf, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	le.PutUint16(elf[16:], 2)         // ET_EXEC
	le.PutUint16(elf[18:], 62)        // EM_X86_64
	le.PutUint32(elf[20:], 1)         // version
	le.PutUint64(elf[24:], base+head) // entry
	le.PutUint64(elf[32:], 64)        // program headers
	le.PutUint16(elf[52:], 64)        // size of this header
	le.PutUint16(elf[54:], 56)        // of a program header
	le.PutUint16(elf[56:], 1)         // one
	le.PutUint32(elf[64:], 1)         // PT_LOAD
	le.PutUint32(elf[68:], 5)         // read, execute
	le.PutUint64(elf[80:], base)      // virtual
	le.PutUint64(elf[88:], base)      // physical
	le.PutUint64(elf[96:], uint64(head+len(code)))
	le.PutUint64(elf[104:], uint64(head+len(code)))
	le.PutUint64(elf[112:], 4096)
	if err := os.WriteFile(path, append(elf, code...), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// tinyText is where the first byte after the headers is once it runs.
const tinyText = 0x400000 + 64 + 56

func open(t *testing.T, dir string) string {
	t.Helper()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
