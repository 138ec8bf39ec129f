package process_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
	"github.com/tocsin-ir/tocsin/sensor/contain/process"
)

// tree runs a shell script in a cgroup of the test's own and gives its key.
func tree(t testing.TB, cgroup, script string) (process.Key, *exec.Cmd) {
	t.Helper()
	dir, err := os.Open(cgroup)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dir.Close() }()
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Dir = t.TempDir()
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	k, err := process.Named(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return k, cmd
}

func procs(t testing.TB, cgroup string) (pids []string) {
	t.Helper()
	err := filepath.WalkDir(cgroup, func(p string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == "cgroup.procs" {
			text, _ := os.ReadFile(p)
			pids = append(pids, strings.Fields(string(text))...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pids
}

func awaits(t testing.TB, what string, is func() bool) {
	t.Helper()
	for range 500 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s: not within five seconds", what)
}

// size is how much the script has written.
func size(cmd *exec.Cmd) int64 {
	info, err := os.Stat(filepath.Join(cmd.Dir, "out"))
	if err != nil {
		return 0
	}
	return info.Size()
}

// Each writes a line now and then, and begins another like itself, as a worm would.
const growing = `f() { echo x >>out; sleep 0.01; echo x >>out; f & wait; }; f & (while :; do echo y >>out; sleep 0.01; done) & wait`

func TestATreeIsFrozenWhileItGrows(t *testing.T) {
	for name, h := range map[string]process.Hands{"in a cgroup": {Root: containtest.Root(t)}, "by signals": {}} {
		t.Run(name, func(t *testing.T) {
			cgroup := containtest.Cgroup(t)
			key, cmd := tree(t, cgroup, growing)
			awaits(t, "the tree grows", func() bool { return len(procs(t, cgroup)) > 8 })
			held, err := h.Freeze("D-1/x", key)
			if err != nil {
				t.Fatalf("freeze: %v; %+v", err, held)
			}
			time.Sleep(20 * time.Millisecond)
			before, count := size(cmd), len(procs(t, cgroup))
			time.Sleep(300 * time.Millisecond)
			if grew := size(cmd) - before; grew != 0 || len(procs(t, cgroup)) != count {
				t.Errorf("the frozen tree wrote %d bytes and went from %d to %d processes", grew, count, len(procs(t, cgroup)))
			}
			if err := h.Frozen(held); err != nil {
				t.Errorf("the proof: %v", err)
			}
			if h.Root == "" && len(held.Notes) == 0 {
				t.Error("nothing is said of the signals")
			}
			if err := h.Thaw(held); err != nil {
				t.Fatalf("thaw: %v", err)
			}
			awaits(t, "the tree goes on", func() bool { return size(cmd) > before })
			if h.Root != "" {
				left, _ := filepath.Glob(filepath.Join(cgroup, "*", "cgroup.procs"))
				if len(left) > 0 {
					t.Errorf("cgroups are left: %v", left)
				}
			}
			if err := h.Frozen(held); err == nil {
				t.Error("the proof says frozen after the thaw")
			}
		})
	}
}

// Whoever was stopped by somebody else before is found so, and left so.
func TestWhoWasStoppedStaysStopped(t *testing.T) {
	for name, h := range map[string]process.Hands{"in a cgroup": {Root: containtest.Root(t)}, "by signals": {}} {
		t.Run(name, func(t *testing.T) {
			key, cmd := tree(t, containtest.Cgroup(t), "while :; do sleep 0.01; done")
			if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			state := func() string {
				text, _ := os.ReadFile("/proc/" + strconv.Itoa(key.PID) + "/stat")
				return string(text[strings.LastIndexByte(string(text), ')')+2])
			}
			awaits(t, "it is stopped", func() bool { return state() == "T" })
			held, err := h.Freeze("D-2", key)
			if err != nil {
				t.Fatal(err)
			}
			if err := h.Thaw(held); err != nil {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond)
			if s := state(); s != "T" {
				t.Errorf("it was stopped before, and is %s now", s)
			}
		})
	}
}

func TestATreeIsKilledWhileItGrows(t *testing.T) {
	root := containtest.Root(t)
	for name, h := range map[string]process.Hands{"by cgroup.kill": {Root: root}, "by handles": {Root: root, NoKill: true}, "by signals": {}} {
		t.Run(name, func(t *testing.T) {
			cgroup := containtest.Cgroup(t)
			key, cmd := tree(t, cgroup, growing)
			awaits(t, "the tree grows", func() bool { return len(procs(t, cgroup)) > 8 })
			ended := make(chan struct{})
			go func() {
				_ = cmd.Wait() // killed, so an error
				close(ended)
			}()
			held, err := h.KillTree("D-3", key)
			if err != nil {
				t.Fatalf("kill: %v; %+v", err, held)
			}
			<-ended
			awaits(t, "nobody is left", func() bool { return len(procs(t, cgroup)) == 0 })
			if _, err := h.KillTree("D-3", key); !errors.Is(err, process.ErrGone) {
				t.Errorf("killed again: %v", err)
			}
		})
	}
}

// One member may not be touched: then none is.
func TestASparedProcessSparesTheTree(t *testing.T) {
	h := process.Hands{Root: containtest.Root(t), Spared: func(exe string) bool { return strings.HasSuffix(exe, "/sleep") }}
	cgroup := containtest.Cgroup(t)
	key, cmd := tree(t, cgroup, "(while :; do echo x >>out; sleep 0.01; done) & sleep 1000 & wait")
	awaits(t, "it runs", func() bool { return size(cmd) > 10 && len(procs(t, cgroup)) >= 3 })
	var spared *process.SparedError
	if _, err := h.Freeze("D-4", key); !errors.As(err, &spared) {
		t.Fatalf("freeze: %v", err)
	}
	before := size(cmd)
	awaits(t, "it goes on", func() bool { return size(cmd) > before })
	if _, err := (process.Hands{}).Freeze("D-5", process.Key{PID: os.Getpid(), Start: must(process.Named(os.Getpid())).Start}); !errors.As(err, &spared) {
		t.Errorf("the agent freezes itself: %v", err)
	}
}

// The pid of a process that ended belongs to another: that one is not touched.
func TestAPidThatIsUsedAgain(t *testing.T) {
	key, _ := tree(t, containtest.Cgroup(t), "sleep 1000")
	key.Start -= uint64(time.Second)
	for _, h := range []process.Hands{{Root: containtest.Root(t)}, {}} {
		if _, err := h.Freeze("D-6", key); !errors.Is(err, process.ErrGone) {
			t.Errorf("freeze: %v", err)
		}
		if _, err := h.KillTree("D-6", key); !errors.Is(err, process.ErrGone) {
			t.Errorf("kill: %v", err)
		}
	}
}

// A child whose parent has ended is found when the agent knows it.
func TestAnOrphanIsFoundWhenTheAgentKnowsIt(t *testing.T) {
	cgroup := containtest.Cgroup(t)
	key, cmd := tree(t, cgroup, "(sh -c 'while :; do echo x >>out; sleep 0.01; done' & ) ; sleep 1000")
	awaits(t, "the orphan writes", func() bool { return size(cmd) > 4 })
	var orphans []process.Key
	for _, text := range procs(t, cgroup) {
		pid, _ := strconv.Atoi(text)
		if k, err := process.Named(pid); err == nil && pid != key.PID {
			orphans = append(orphans, k)
		}
	}
	h := process.Hands{Root: containtest.Root(t), Extra: func(process.Key) []process.Key { return orphans }}
	held, err := h.Freeze("D-7", key)
	if err != nil {
		t.Fatal(err)
	}
	before := size(cmd)
	time.Sleep(100 * time.Millisecond)
	if size(cmd) != before {
		t.Error("the orphan goes on")
	}
	if err := h.Thaw(held); err != nil {
		t.Fatal(err)
	}
}

func must(k process.Key, err error) process.Key {
	if err != nil {
		panic(err)
	}
	return k
}
