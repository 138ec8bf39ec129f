package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"golang.org/x/sys/unix"

	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/probe"
)

// need skips a test that cannot run here, or fails it where everything must run.
func need(t *testing.T, ok bool, why string) {
	t.Helper()
	if ok {
		return
	}
	if os.Getenv("TOCSIN_TEST_REQUIRE_ALL") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func said(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(args, &out, &errs); code != 0 {
		t.Fatalf("%s: %d\n%s", args, code, errs.String())
	}
	return out.String()
}

// process runs the program as another process would, and gives it time to attach.
func process(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), asSensor+"=1")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	return cmd
}

// seen starts the program, lets something happen again and again until it tells of it,
// and returns the line.
func seen(t *testing.T, cmd *exec.Cmd, happen func(), fits func(string) bool) string {
	t.Helper()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found := make(chan string, 1)
	go func() {
		defer close(found)
		for s := bufio.NewScanner(out); s.Scan(); {
			if fits(s.Text()) {
				found <- s.Text()
				break
			}
		}
		_, _ = bufio.NewReader(out).WriteTo(nowhere{})
	}()
	end := time.After(20 * time.Second)
	for {
		happen()
		select {
		case line, ok := <-found:
			_ = cmd.Process.Signal(syscall.SIGTERM)
			_ = cmd.Wait()
			if !ok {
				t.Fatalf("it ended: %s", errs.String())
			}
			return line
		case <-time.After(50 * time.Millisecond):
		case <-end:
			_ = cmd.Process.Kill()
			t.Fatalf("nothing was told: %s", errs.String())
		}
	}
}

type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }

func TestEventsOnATerminal(t *testing.T) {
	need(t, os.Geteuid() == 0, "programs are loaded by root only")
	prog := tinyProgram(t)
	line := seen(t, process(t.Context(), "events", "exec", "--path", filepath.Dir(prog), "--colour", "always"),
		func() { _ = exec.Command(prog, "loot\x1b[2J").Run() }, func(s string) bool { return strings.Contains(s, "loot") })
	if !strings.Contains(line, "\x1b[32mexec     \x1b[0m "+prog) || !strings.Contains(line, "root") {
		t.Errorf("%q", line)
	}
	if strings.Contains(line, "\x1b[2J") {
		t.Errorf("a process wrote to the terminal of whoever watches it: %q", line)
	}
}

func TestEventsAsJSON(t *testing.T) {
	need(t, os.Geteuid() == 0, "programs are loaded by root only")
	prog := tinyProgram(t)
	line := seen(t, process(t.Context(), "events", "exec,exit", "--pid", itoa(os.Getpid()), "--json", "--host", "web-3"),
		func() { _ = exec.Command(prog).Run() }, func(s string) bool { return strings.Contains(s, `"kind":"exit"`) })
	var e event.Event
	if err := json.Unmarshal([]byte(line), &e); err != nil || e.Host != "web-3" || e.Process.Exe != prog || int(e.Parent.PID) != os.Getpid() {
		t.Errorf("%v %s", err, line)
	}
}

// The capabilities that the unit asks for are enough, for somebody who is not root.
func TestRunWithTheLeastCapabilities(t *testing.T) {
	need(t, os.Geteuid() == 0, "capabilities are given by root only")
	caps := map[string]uintptr{"CAP_BPF": unix.CAP_BPF, "CAP_PERFMON": unix.CAP_PERFMON, "CAP_NET_ADMIN": unix.CAP_NET_ADMIN,
		"CAP_SYS_PTRACE": unix.CAP_SYS_PTRACE, "CAP_DAC_READ_SEARCH": unix.CAP_DAC_READ_SEARCH, "CAP_SYS_RESOURCE": unix.CAP_SYS_RESOURCE}
	cmd := process(t.Context(), "run")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	for _, name := range strings.Fields(probe.Capabilities) {
		n, known := caps[name]
		if !known {
			t.Fatalf("%s is not among those that this test gives", name)
		}
		if has, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, n, 0, 0, 0); err != nil || has != 1 {
			t.Logf("%s is not to be had here; it goes without", name)
			continue
		}
		cmd.SysProcAttr.AmbientCaps = append(cmd.SysProcAttr.AmbientCaps, n)
	}
	prog := tinyProgram(t)
	line := seen(t, cmd, func() { _ = exec.Command(prog, "loot").Run() }, func(s string) bool { return strings.Contains(s, `"loot"`) })
	var e event.Event
	if err := json.Unmarshal([]byte(line), &e); err != nil || e.Process.Exe != prog || e.Container.Path == "" || e.Parent.Exe == "" {
		t.Errorf("%v %s", err, line)
	}
}

func TestWithoutPrivileges(t *testing.T) {
	need(t, os.Geteuid() == 0, "somebody else is played by root only")
	cmd := process(t.Context(), "run")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatal("it ran")
	}
	want := "The kernel does not let this process load programs.\nRun as root, or with the capabilities " + probe.Capabilities + ".\n"
	if string(out) != want {
		t.Errorf("%s", out)
	}
}

func TestProbe(t *testing.T) {
	need(t, os.Geteuid() == 0, "a probe of a stranger finds nothing")
	var r probe.Report
	if err := json.Unmarshal([]byte(said(t, "probe", "--json")), &r); err != nil {
		t.Fatal(err)
	}
	if !r.Ready || len(r.Hooks) < 10 || r.Hooks[0].Sees != "exec" || r.Hooks[0].Runs == "" {
		t.Errorf("%+v", r)
	}
	allowed := map[string]bool{}
	for _, f := range r.Features {
		allowed[f.Name] = f.Allowed
		if !f.Allowed && f.Why == "" {
			t.Errorf("%s is refused without a reason", f.Name)
		}
	}
	if !allowed["ring buffer"] || !allowed["raw_tp"] {
		t.Errorf("a sensor runs without %v", allowed)
	}
	var table bytes.Buffer
	if err := r.Write(&table); err != nil || !strings.Contains(table.String(), "A sensor runs here.") {
		t.Errorf("%v\n%s", err, table.String())
	}
}

func TestUnit(t *testing.T) {
	text := said(t, "unit", "--binary", "/usr/bin/true")
	for _, line := range []string{"ExecStart=/usr/bin/true run ", "CapabilityBoundingSet=" + probe.Capabilities + "\n", "AmbientCapabilities=" + probe.Capabilities + "\n",
		"NoNewPrivileges=yes"} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q", line)
		}
	}
	if strings.Contains(text, "{{") {
		t.Error("a place was left empty")
	}
	analyze, err := exec.LookPath("systemd-analyze")
	need(t, err == nil, "systemd-analyze is not here: the unit was read by nobody but this test")
	path := filepath.Join(t.TempDir(), "tocsin-sensor.service")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", path).CombinedOutput(); err != nil || strings.Contains(string(out), "tocsin-sensor.service:") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestDaemonset(t *testing.T) {
	text := said(t, "daemonset", "--image", "registry.example/sensor:1", "--namespace", "war")
	docs := strings.Split(text, "\n---\n")
	if len(docs) != 2 || strings.Contains(text, "{{") {
		t.Fatalf("%d documents\n%s", len(docs), text)
	}
	var set struct {
		Kind     string
		Metadata struct{ Namespace string }
		Spec     struct {
			Template struct {
				Spec struct {
					HostPID    bool `yaml:"hostPID"`
					Containers []struct {
						Image           string
						SecurityContext struct {
							Privileged               bool
							AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
							ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
							Capabilities             struct{ Add, Drop []string }
						} `yaml:"securityContext"`
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal([]byte(docs[1]), &set); err != nil {
		t.Fatal(err)
	}
	spec := set.Spec.Template.Spec
	if set.Kind != "DaemonSet" || set.Metadata.Namespace != "war" || !spec.HostPID || len(spec.Containers) != 1 || spec.Containers[0].Image != "registry.example/sensor:1" {
		t.Errorf("%+v", set)
	}
	c := spec.Containers[0].SecurityContext
	if c.Privileged || c.AllowPrivilegeEscalation == nil || *c.AllowPrivilegeEscalation || !c.ReadOnlyRootFilesystem || !slices.Equal(c.Capabilities.Drop, []string{"ALL"}) {
		t.Errorf("%+v", c)
	}
	if got := "CAP_" + strings.Join(c.Capabilities.Add, " CAP_"); got != probe.Capabilities {
		t.Errorf("capabilities %s", got)
	}
}

func TestUnknownKind(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run([]string{"events", "exce"}, &out, &errs); code != 1 || !strings.Contains(errs.String(), `there is no kind "exce"; there are exec, exit`) {
		t.Errorf("%d %s", code, errs.String())
	}
}
